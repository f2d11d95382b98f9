/* SPDX-License-Identifier: MIT */
#ifndef SSM_ID_H
#define SSM_ID_H

#include <stdbool.h>

/* Ids and texts of AWS Systems Manager: how long they are (each size has room
 * for the final NUL), and what they look like. */
enum {
	SSM_UUID_SIZE = 37,  /* activation ids */
	SSM_NODE_SIZE = 65,  /* "mi-" and 17 hexadecimal digits */
	SSM_CODE_SIZE = 257, /* activation codes: 20 to 250 characters */
	SSM_TEXT_MAX = 256,  /* name and description, characters of UTF-8 */
	SSM_TEXT_SIZE = 4 * SSM_TEXT_MAX + 1,
	SSM_ROLE_MAX = 64,
	SSM_TAGS_MAX = 50,
};

/* Shape checks, pure: ids from outside meet them before they are used. */
bool id_is_uuid(const char *text);
bool id_is_node(const char *text);

#endif
