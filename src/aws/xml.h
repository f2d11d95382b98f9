#ifndef AWS_XML_H
#define AWS_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct buf;
struct err;

/*
 * The small part of XML that answers of STS are written in; pure.  Prefixes
 * of names, attributes, comments and processing instructions are skipped; a
 * DOCTYPE, an unknown entity, tags that do not match, text outside the root
 * and a nesting deeper than XML_DEPTH_MAX are refused.
 */
enum { XML_DEPTH_MAX = 32 };

enum xml_kind {
	XML_OPEN,  /* text: the name, without prefix */
	XML_CLOSE, /* the same */
	XML_TEXT,  /* text: raw, for xml_decode() */
	XML_CDATA, /* text: as it is */
	XML_END,   /* the document is complete */
};

struct xml_token {
	enum xml_kind kind;
	struct slice text; /* borrowed from the document */
};

/* A reader; zero with rest set to the document is ready. */
struct xml {
	struct slice rest;
	struct slice open[XML_DEPTH_MAX]; /* names as written */
	size_t depth;
	bool begun;      /* the root was opened */
	bool close_next; /* the last tag was an empty element */
};

/* The next token, or -1 (ERR_KIND_PARSE).  Every call that gives a token
 * other than XML_END uses up some of the document. */
int xml_next(struct xml *xml, struct xml_token *token, struct err *err);

/* Append text with its references resolved, as UTF-8. */
int xml_decode(struct slice text, struct buf *out, struct err *err);

/*
 * Append the text of the first element at the path of names from the root,
 * "ErrorResponse/Error/Code".  The whole document is read.  Gives 0, or 1
 * when there is no such element, or -1.
 */
int xml_find(struct slice document, const char *path, struct buf *out,
    struct err *err);

#endif
