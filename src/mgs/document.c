#include "mgs/document.h"

const char *
document_kind_name(enum document_kind kind)
{
	static const char *const names[] = {
		[DOCUMENT_SHELL] = "Standard_Stream",
		[DOCUMENT_INTERACTIVE] = "InteractiveCommands",
		[DOCUMENT_COMMAND] = "NonInteractiveCommands",
		[DOCUMENT_PORT] = "Port",
	};

	return names[kind];
}
