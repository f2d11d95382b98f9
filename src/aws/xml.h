/* SPDX-License-Identifier: MIT */
#ifndef AWS_XML_H
#define AWS_XML_H

#include "base/slice.h"

struct err;
struct json;

/*
 * The small part of XML that answers of STS are written in; pure.  Prefixes
 * of names, attributes, comments and processing instructions are skipped; a
 * DOCTYPE, an unknown entity, a NUL, bytes that are not UTF-8, tags that do
 * not match, text outside the root, "member" beside other children and a
 * nesting deeper than XML_DEPTH_MAX are refused.
 */
enum { XML_DEPTH_MAX = 32 };

/*
 * The document as JSON: elements with children are objects, those whose
 * children are called "member" arrays, all others strings; text beside
 * children is dropped.  The result is an object with the root as its one
 * member.  -1 (ERR_KIND_PARSE) if the document is not sound.
 */
int xml_parse(struct json **out, struct slice document, struct err *err);

#endif
