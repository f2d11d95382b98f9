/* SPDX-License-Identifier: MIT */
#ifndef UNIT_ROLES_H
#define UNIT_ROLES_H

/* What tests of assumed roles send and get. */

#define ARN    "arn:aws:iam::111122223333:role/"
#define STS    "POST https://sts.us-east-1.amazonaws.com/"
#define STATIC "aws_access_key_id=AKIDBASE\naws_secret_access_key=s\n"
#define RESULT(op, key, when)                                                \
	"<" op "Response><" op "Result><Credentials><AccessKeyId>" key       \
	"</AccessKeyId><SecretAccessKey>sec</SecretAccessKey><SessionToken>" \
	"TOK</SessionToken><Expiration>" when "</Expiration></Credentials>"  \
	"<AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/r/s"   \
	"</Arn></AssumedRoleUser></" op "Result></" op "Response>"
#define FUTURE    "2099-01-01T00:00:00Z"
#define ROLE(key) RESULT("AssumeRole", key, FUTURE)
#define WEB(key)  RESULT("AssumeRoleWithWebIdentity", key, FUTURE)

#endif
