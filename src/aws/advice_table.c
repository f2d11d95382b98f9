/* SPDX-License-Identifier: MIT */
#include "aws/advice_table.h"

const struct advice_row advice_table_rows[] = {
	/* Permissions. */
	{ .codes = "AccessDenied AccessDeniedException "
	           "UnauthorizedOperation",
	    .operation = "RegisterManagedInstance",
	    .advice = "this call is not signed, so no policy of the caller "
	              "counts: check that of the VPC endpoint" },
	{ .text = "explicit deny",
	    .advice = "a policy explicitly forbids %a to %w: have that Deny "
	              "changed" },
	{ .text = "service control policy",
	    .advice = "no service control policy of the organization allows "
	              "%a: ask its administrator" },
	{ .text = "session policy",
	    .advice = "the session policy of %w does not allow %a: allow it "
	              "there" },
	{ .text = "permissions boundary",
	    .advice = "the permissions boundary of %w does not allow %a: "
	              "allow it there, too" },
	{ .text = "Encoded authorization failure message",
	    .advice = "%w may not do %a: aws sts "
	              "decode-authorization-message shows why" },
	{ .operation = "CreateActivation",
	    .text = "iam:PassRole",
	    .advice = "%w may not hand the node role %r to Systems Manager; "
	              "%P" },
	{ .operation = "CreateActivation",
	    .text = "ssm:AddTagsToResource",
	    .advice = "%w may not put tags on what it creates; %A, or leave "
	              "the tags out" },
	{ .operation = "CreateActivation",
	    .advice = "%w may not do %a; %A, and %P" },
	{ .operation = "DescribeActivations",
	    .advice = "%w may not list activations, so none is looked for "
	              "that a lost answer left behind; %A" },
	{ .operation = "AssumeRoleWithWebIdentity",
	    .advice = "the trust policy of %r does not accept this token: "
	              "check the account's OIDC provider, audience "
	              "sts.amazonaws.com, sub "
	              "system:serviceaccount:NAMESPACE:NAME, and the token's "
	              "age" },
	{ .operation = "AssumeRole",
	    .advice = "%w may not assume %r, or there is no such role: check "
	              "its trust policy and external_id; %A" },
	{ .operation = "RequestManagedInstanceRoleToken",
	    .advice = "the node or its role is gone: take the node down and "
	              "bring it up again" },
	{ .advice = "%w may not do %a; %A" },
	/* Credentials. */
	{ .codes = "UnrecognizedClientException InvalidClientTokenId",
	    .when = "t",
	    .advice = "the access key from %k is a temporary one: set "
	              "AWS_SESSION_TOKEN (profile: aws_session_token) too" },
	{ .advice = "the access key from %k is wrong, deleted, of another "
	            "partition than %n, or %g is not enabled for the "
	            "account" },
	{ .codes = "ExpiredToken ExpiredTokenException",
	    .advice = "the session token from %k is out of date (good until "
	              "%e): get new credentials, or set the clock" },
	{ .codes = "InvalidSignatureException SignatureDoesNotMatch "
	           "AuthFailure RequestTimeTooSkewed",
	    .text = "Signature expired",
	    .advice = "the clock of this machine is behind: set it" },
	{ .text = "not yet current",
	    .advice = "the clock of this machine is ahead: set it" },
	{ .text = "scoped to",
	    .advice = "%h is of another region or service than %g, %s: check "
	              "the region, and AWS_ENDPOINT_URL*" },
	{ .advice = "the secret key from %k is not that of the access key "
	            "or not whole, or the clock is wrong" },
	{ .codes = "IncompleteSignature IncompleteSignatureException "
	           "MissingAuthenticationToken "
	           "MissingAuthenticationTokenException",
	    .advice = "the Authorization header was lost or changed on the "
	              "way: check the proxy and AWS_ENDPOINT_URL*" },
	{ .codes = "OptInRequired RegionDisabledException",
	    .advice = "%o is not enabled in %g: enable the region (for STS: "
	              "in IAM's account settings), or choose another" },
	{ .codes = "InvalidIdentityToken",
	    .advice = "STS cannot verify the web identity token: check the "
	              "account's OIDC provider, and the token's age" },
	{ .codes = "IDPRejectedClaim",
	    .advice =
	        "the identity provider refused the token: get a new one" },
	{ .codes = "IDPCommunicationError",
	    .advice = "STS cannot reach the identity provider: try later" },
	{ .codes = "PackedPolicyTooLarge MalformedPolicyDocument",
	    .advice = "the policy or tags of the session of %r are refused" },
	{ .codes = "ValidationError",
	    .operation = "AssumeRole",
	    .advice = "most often duration_seconds is above the maximum of "
	              "%r, or above 3600 for a role assumed by a role: lower "
	              "it" },
	/* Activations. */
	{ .codes = "ValidationException InvalidParameters",
	    .operation = "CreateActivation",
	    .text = "exist",
	    .advice = "%r is not in this account, was just made (wait some "
	              "seconds), is service-linked, or its trust policy "
	              "lacks %T" },
	{ .operation = "CreateActivation",
	    .text = "iamRole",
	    .advice = "give the role's name, not its ARN (%r); with a path, "
	              "PATH/NAME without a slash in front; at most 64 "
	              "characters" },
	{ .operation = "CreateActivation",
	    .text = "xpirationDate",
	    .advice = "the activation must end at most 30 days ahead: change "
	              "SSM_ACTIVATE_EXPIRES, or set the clock" },
	{ .operation = "CreateActivation",
	    .text = "egistrationLimit",
	    .advice = "the registration limit must be from 1 to 1000" },
	{ .operation = "CreateActivation",
	    .text = "ag",
	    .advice = "tags: keys have 1 to 128 characters and do not begin "
	              "with aws:, values up to 256, of letters, digits, "
	              "blanks and _.:/=+-@" },
	{ .codes = "InternalFailure InternalServerError",
	    .operation = "CreateActivation",
	    .advice = "try later, if %r is a role's name and not its ARN; "
	              "AWS support wants the request id" },
	{ .codes = "InvalidActivation InvalidActivationId",
	    .operation = "DeleteActivation",
	    .advice = "no such activation in %g of this account: nothing is "
	              "left to delete" },
	{ .operation = "RegisterManagedInstance",
	    .advice = "the activation is unknown in %g, expired, used up, or "
	              "its code is wrong: make a new activation" },
	{ .codes = "TooManyUpdates",
	    .advice = "the same object is being changed elsewhere: try again "
	              "in a few seconds" },
	{ .codes = "InvalidInstanceId",
	    .operation = "DeregisterManagedInstance",
	    .advice = "no managed node of this account in %g, or gone "
	              "already: nothing is left to do" },
	{ .advice = "no such node in %g, or no permission for it" },
	{ .codes = "ServiceSettingNotFound",
	    .advice = "no such setting in %g: the standard tier (1,000 "
	              "nodes) counts" },
	{ .codes = "MachineFingerprintDoesNotMatch",
	    .advice = "the node was registered elsewhere: register anew; "
	              "containers must not share a registration" },
	/* The service itself. */
	{ .codes = "Throttling ThrottlingException ThrottledException "
	           "TooManyRequestsException RequestLimitExceeded",
	    .advice = "AWS limits how often %o may be called: wait, stagger "
	              "starts of many containers, or raise AWS_MAX_ATTEMPTS" },
	{ .codes = "InternalServerError InternalFailure InternalError "
	           "ServiceUnavailable ServiceUnavailableException 500 "
	           "502 503 504",
	    .advice = "a fault of AWS: try later; AWS support wants the "
	              "request id" },
	{ .codes = "parse_error UnknownOperationException "
	           "SerializationException 404 301 302 303 307 308 403 405",
	    .when = "c",
	    .advice = "%h does not answer as %s does: check "
	              "AWS_ENDPOINT_URL*, and endpoint_url of the profile" },
	{ .advice = "%h does not answer as %s does: check the proxy, and "
	            "where the name leads to" },
	/* No answer. */
	{ .codes = "connection",
	    .when = "v",
	    .text = "resolve",
	    .advice = "the FIPS or dual-stack name %h may not exist: leave "
	              "out AWS_USE_FIPS_ENDPOINT or "
	              "AWS_USE_DUALSTACK_ENDPOINT in %g, or check "
	              "/etc/resolv.conf" },
	{ .text = "name servers",
	    .advice = "check /etc/resolv.conf, and that its servers can be "
	              "reached (port 53)" },
	{ .when = "c",
	    .advice = "the endpoint that is configured cannot be reached: "
	              "check AWS_ENDPOINT_URL*, and the network" },
	{ .when = "f",
	    .advice = "there is no name %h: %g may be misspelt (AWS_REGION), "
	              "or the name server knows no public names "
	              "(/etc/resolv.conf)" },
	{ .advice = "check the route to %h: a NAT gateway, a proxy "
	            "(HTTPS_PROXY), or a VPC endpoint of %s that lets port "
	            "443 in" },
	{ .codes = "proxy",
	    .advice = "the proxy does not let %h through: check HTTPS_PROXY, "
	              "with user and password, or exclude the host with "
	              "NO_PROXY" },
	{ .codes = "tls",
	    .when = "r",
	    .text = "not trusted",
	    .advice = "partition %n has certificates of its own authority: "
	              "set AWS_CA_BUNDLE to a file with them" },
	{ .advice = "TLS 1.2 with ECDHE is needed; check the proxy and "
	            "AWS_ENDPOINT_URL*" },
};

const size_t advice_table_count =
    sizeof advice_table_rows / sizeof advice_table_rows[0];
