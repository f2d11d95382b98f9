#include "aws/advice_table.h"

#define DENIED        "AccessDenied AccessDeniedException UnauthorizedOperation"
#define EXPIRED       "ExpiredToken ExpiredTokenException"
#define UNKNOWN_KEY   "UnrecognizedClientException InvalidClientTokenId"
#define BAD_SIGNATURE "InvalidSignatureException SignatureDoesNotMatch"
#define NO_SIGNATURE                                        \
	"IncompleteSignature IncompleteSignatureException " \
	"MissingAuthenticationToken "                       \
	"MissingAuthenticationTokenException"
#define THROTTLED                                            \
	"Throttling ThrottlingException ThrottledException " \
	"TooManyRequestsException RequestLimitExceeded"
#define AWS_SIDE                                             \
	"InternalServerError InternalFailure InternalError " \
	"ServiceUnavailable ServiceUnavailableException 500 502 503 504"
#define FOREIGN                                                 \
	"UnknownOperationException SerializationException 404 " \
	"301 302 303 307 308 403 405"

const struct advice_row advice_table[] = {
	/* Permissions. */
	{ ERR_KIND_API, ADVICE_ALWAYS, DENIED, NULL, "explicit deny",
	    "a policy forbids {action} to {principal} explicitly (an "
	    "identity policy, a service control policy, a session policy or "
	    "a permissions boundary, as the message says)",
	    "no further permission helps: have that Deny changed" },
	{ ERR_KIND_API, ADVICE_ALWAYS, DENIED, NULL, "service control policy",
	    "a service control policy of the organization does not allow "
	    "{action}",
	    "ask the administrator of the organization" },
	{ ERR_KIND_API, ADVICE_ALWAYS, DENIED, NULL, "session policy",
	    "the session policy of {caller} does not allow {action}",
	    "allow it where the session is made" },
	{ ERR_KIND_API, ADVICE_ALWAYS, DENIED, NULL, "permissions boundary",
	    "the permissions boundary of {principal} does not allow {action}",
	    "allow it in the boundary as well as in a policy" },
	{ ERR_KIND_API, ADVICE_ALWAYS, DENIED, "CreateActivation",
	    "iam:PassRole",
	    "{principal} may not hand the node role {role} to Systems "
	    "Manager",
	    "add to its policy {passrole}" },
	{ ERR_KIND_API, ADVICE_ALWAYS, DENIED, "CreateActivation",
	    "ssm:AddTagsToResource",
	    "{principal} may not put tags on what it creates",
	    "add to its policy {policy}, or leave the tags out" },
	{ ERR_KIND_API, ADVICE_ALWAYS, DENIED, "CreateActivation", NULL,
	    "{principal} may not do {action}",
	    "add to its policy {policy} and {passrole}" },
	{ ERR_KIND_API, ADVICE_ALWAYS, DENIED, "DescribeActivations", NULL,
	    "{principal} may not list activations, so one that a lost answer "
	    "left behind is not looked for",
	    "add to its policy {policy}" },
	{ ERR_KIND_API, ADVICE_ALWAYS, DENIED, "AssumeRoleWithWebIdentity",
	    NULL, "the trust policy of {role} does not accept this token",
	    "check that the account has the OIDC provider of the token's "
	    "issuer, that its audience is sts.amazonaws.com, that the "
	    "condition on sub is system:serviceaccount:NAMESPACE:NAME, and "
	    "that the token is the current one" },
	{ ERR_KIND_API, ADVICE_ALWAYS, DENIED, "AssumeRole", NULL,
	    "{caller} may not assume {role}: no permission for "
	    "sts:AssumeRole, no such role, a trust policy that does not name "
	    "the caller, or another external id (AWS does not tell which)",
	    "check the trust policy of the role and external_id, and add to "
	    "the caller's policy {policy}" },
	{ ERR_KIND_API, ADVICE_ALWAYS, DENIED,
	    "RequestManagedInstanceRoleToken", NULL,
	    "the node is not known any more, or the role of its "
	    "activation is gone",
	    "take the node down and bring it up again" },
	{ ERR_KIND_API, ADVICE_ALWAYS, DENIED, NULL,
	    "Encoded authorization failure message",
	    "{principal} may not do {action}",
	    "aws sts decode-authorization-message --encoded-message … shows "
	    "the reason" },
	{ ERR_KIND_API, ADVICE_ALWAYS, DENIED, NULL, NULL,
	    "{principal} may not do {action}", "add to its policy {policy}" },

	/* Credentials. */
	{ ERR_KIND_API, ADVICE_NO_TOKEN, UNKNOWN_KEY, NULL, NULL,
	    "the access key from {method} is a temporary one and came "
	    "without its session token",
	    "set AWS_SESSION_TOKEN (profile: aws_session_token) too" },
	{ ERR_KIND_API, ADVICE_ALWAYS, UNKNOWN_KEY, NULL, NULL,
	    "AWS does not know the access key from {method}: it is wrong or "
	    "deleted, belongs to another partition than {partition}, or "
	    "{region} is not enabled for the account",
	    "check the key, and the region in the account's settings" },
	{ ERR_KIND_API, ADVICE_ALWAYS, EXPIRED, NULL, NULL,
	    "the session token from {method} is out of date (it was good "
	    "until {expires})",
	    "get new credentials; if they are new, set the clock of the "
	    "machine" },
	{ ERR_KIND_API, ADVICE_ALWAYS, BAD_SIGNATURE " RequestTimeTooSkewed",
	    NULL, "Signature expired", "the clock of this machine is behind",
	    "set it; AWS accepts 5 "
	    "minutes of difference" },
	{ ERR_KIND_API, ADVICE_ALWAYS, BAD_SIGNATURE " RequestTimeTooSkewed",
	    NULL, "not yet current", "the clock of this machine is ahead",
	    "set it; AWS accepts 5 "
	    "minutes of difference" },
	{ ERR_KIND_API, ADVICE_ALWAYS,
	    BAD_SIGNATURE " AuthFailure RequestTimeTooSkewed", NULL, NULL,
	    "the secret key from {method} does not belong to the access key, "
	    "or the clock is wrong",
	    "check that the secret was copied whole and without blanks, and "
	    "the time of this machine" },
	{ ERR_KIND_API, ADVICE_CONFIGURED, NO_SIGNATURE, NULL, NULL,
	    "something between here and AWS dropped or changed the "
	    "Authorization header",
	    "check the endpoint {host} that is configured, and the proxy" },
	{ ERR_KIND_API, ADVICE_ALWAYS, NO_SIGNATURE, NULL, NULL,
	    "something between here and AWS dropped or changed the "
	    "Authorization header",
	    "check the proxy" },
	{ ERR_KIND_API, ADVICE_ALWAYS, "OptInRequired RegionDisabledException",
	    NULL, NULL,
	    "the account has not enabled {region}, or {operation} there",
	    "enable the region (for STS: in IAM's account settings), or "
	    "choose another one" },
	{ ERR_KIND_API, ADVICE_ALWAYS, "InvalidIdentityToken", NULL, NULL,
	    "STS cannot verify the web identity token",
	    "check the OIDC provider of its issuer in the account, its "
	    "thumbprint, and that the token file is the current one" },
	{ ERR_KIND_API, ADVICE_ALWAYS, "IDPRejectedClaim", NULL, NULL,
	    "the identity provider refused the token",
	    "get a new token; the old one may be revoked or expired" },
	{ ERR_KIND_API, ADVICE_ALWAYS, "IDPCommunicationError", NULL, NULL,
	    "STS cannot reach the identity provider",
	    "try later; its key document must be public" },
	{ ERR_KIND_API, ADVICE_ALWAYS,
	    "PackedPolicyTooLarge MalformedPolicyDocument", NULL, NULL,
	    "the session policy or tags are refused",
	    "check what is attached to the session of {role}" },
	{ ERR_KIND_API, ADVICE_ALWAYS, "ValidationError", "AssumeRole", NULL,
	    "STS refuses a parameter: most often duration_seconds is above "
	    "the maximum of {role}, or above 3600 for a role assumed by a "
	    "role",
	    "lower duration_seconds of the profile" },

	/* Activations. */
	{ ERR_KIND_API, ADVICE_ALWAYS, "ValidationException",
	    "CreateActivation", "Nonexistent role",
	    "the role {role} is not in this account, or its trust policy "
	    "does not let Systems Manager use it",
	    "give the name of a role whose trust policy has {trust}; a role "
	    "that was just made needs some seconds, service-linked roles are "
	    "not possible" },
	{ ERR_KIND_API, ADVICE_ALWAYS, "ValidationException",
	    "CreateActivation", "Not existing role",
	    "the role {role} is not in this account, or its trust policy "
	    "does not let Systems Manager use it",
	    "give the name of a role whose trust policy has {trust}" },
	{ ERR_KIND_API, ADVICE_ALWAYS, "ValidationException InvalidParameters",
	    "CreateActivation", "iamRole",
	    "{role} is not what Systems Manager takes as a role",
	    "give its name, not its ARN, and with a path PATH/NAME without a "
	    "slash in front; at most 64 characters" },
	{ ERR_KIND_API, ADVICE_ALWAYS, "ValidationException InvalidParameters",
	    "CreateActivation", "xpirationDate",
	    "the activation's end must be in the future, at most 30 days "
	    "ahead",
	    "change SSM_ACTIVATE_EXPIRES, and check the clock" },
	{ ERR_KIND_API, ADVICE_ALWAYS, "ValidationException InvalidParameters",
	    "CreateActivation", "egistrationLimit",
	    "the registration limit must be from 1 to 1000", "change it" },
	{ ERR_KIND_API, ADVICE_ALWAYS, "ValidationException InvalidParameters",
	    "CreateActivation", "ag", "a tag is not one that AWS takes",
	    "keys have 1 to 128 characters, values up to 256, of letters, "
	    "digits, blanks and _.:/=+-@, and no key begins with aws:" },
	{ ERR_KIND_API, ADVICE_ALWAYS, "InternalFailure InternalServerError",
	    "CreateActivation", NULL,
	    "a fault on the side of AWS; an ARN in the place of the role's "
	    "name has led to this answer too",
	    "check that {role} is a name, and try later with the request id "
	    "at hand" },
	{ ERR_KIND_API, ADVICE_ALWAYS, "InvalidActivation InvalidActivationId",
	    "DeleteActivation", NULL,
	    "there is no such activation in {region} of this account (any "
	    "more)",
	    "nothing is left to delete, unless the region or the account is "
	    "another one" },
	{ ERR_KIND_API, ADVICE_ALWAYS, "InvalidActivation InvalidActivationId",
	    "RegisterManagedInstance", NULL,
	    "the activation is unknown in {region}, expired, used up, or its "
	    "code is another one",
	    "make a new activation, in the region of this container" },
	{ ERR_KIND_API, ADVICE_ALWAYS, "TooManyUpdates", NULL, NULL,
	    "the same object is being changed elsewhere",
	    "try again in a few seconds" },
	{ ERR_KIND_API, ADVICE_ALWAYS, "InvalidInstanceId",
	    "DeregisterManagedInstance", NULL,
	    "it is not a managed node of this account in {region}, or it is "
	    "gone already",
	    "nothing is left to do, unless the region or the account is "
	    "another one" },
	{ ERR_KIND_API, ADVICE_ALWAYS, "InvalidInstanceId", NULL, NULL,
	    "no such node in {region}, or no permission for it",
	    "check the region, and that the node is registered" },
	{ ERR_KIND_API, ADVICE_ALWAYS, "ServiceSettingNotFound", NULL, NULL,
	    "the setting does not exist in {region}",
	    "the standard tier (1,000 nodes) counts there" },
	{ ERR_KIND_API, ADVICE_ALWAYS, "MachineFingerprintDoesNotMatch", NULL,
	    NULL, "the node was registered on another machine or container",
	    "register anew; two containers must not share a registration" },

	/* The service itself. */
	{ ERR_KIND_API, ADVICE_ALWAYS, THROTTLED, NULL, NULL,
	    "AWS limits how often {operation} may be called, and all "
	    "attempts are used up",
	    "wait; stagger starts of many containers; AWS_MAX_ATTEMPTS "
	    "raises the number of attempts" },
	{ ERR_KIND_API, ADVICE_CONFIGURED, FOREIGN, NULL, NULL,
	    "what answers at {host} does not seem to be {service}",
	    "check AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_* and endpoint_url of "
	    "the profile" },
	{ ERR_KIND_API, ADVICE_ALWAYS, AWS_SIDE, NULL, NULL,
	    "a fault on the side of AWS",
	    "try later; AWS support wants the request id" },
	{ ERR_KIND_API, ADVICE_ALWAYS, FOREIGN, NULL, NULL,
	    "{host} did not answer as {service} does",
	    "check the proxy, and where the name leads to" },

	/* No answer. */
	{ ERR_KIND_CONNECTION, ADVICE_FINAL_VARIANT, NULL, NULL, NULL,
	    "the FIPS or dual-stack name {host} may not exist: not every "
	    "region has every combination",
	    "leave out AWS_USE_DUALSTACK_ENDPOINT or AWS_USE_FIPS_ENDPOINT "
	    "in {region}" },
	{ ERR_KIND_CONNECTION, ADVICE_FINAL_CONFIGURED, NULL, NULL, NULL,
	    "the endpoint that is configured has a name that does not exist",
	    "check AWS_ENDPOINT_URL*" },
	{ ERR_KIND_CONNECTION, ADVICE_FINAL, NULL, NULL, NULL,
	    "there is no name {host}: the region {region} may be misspelt, "
	    "or the name server here knows no public names",
	    "check AWS_REGION and /etc/resolv.conf" },
	{ ERR_KIND_CONNECTION, ADVICE_CONFIGURED, NULL, NULL, NULL,
	    "the endpoint {host} that is configured cannot be reached",
	    "check AWS_ENDPOINT_URL*, and the network" },
	{ ERR_KIND_CONNECTION, ADVICE_ALWAYS, NULL, NULL, NULL,
	    "{host} cannot be reached",
	    "check the route to it: a NAT gateway, a proxy (HTTPS_PROXY), or "
	    "a VPC endpoint of {service} whose security group lets port 443 "
	    "in" },
	{ ERR_KIND_PROXY, ADVICE_ALWAYS, NULL, NULL, NULL,
	    "the proxy did not let the connection to {host} through",
	    "check HTTPS_PROXY (and user and password in it), or exclude the "
	    "host with NO_PROXY" },
	{ ERR_KIND_TLS, ADVICE_NO_ROOTS, NULL, NULL, "not trusted",
	    "partition {partition} has certificates of its own authority",
	    "set AWS_CA_BUNDLE to a file with the certificates of that "
	    "authority" },
	{ ERR_KIND_TLS, ADVICE_ALWAYS, NULL, NULL, NULL,
	    "no secure connection to {host}",
	    "TLS 1.2 with ECDHE is needed; check the proxy and "
	    "AWS_ENDPOINT_URL*" },
	{ ERR_KIND_PARSE, ADVICE_CONFIGURED, NULL, NULL, NULL,
	    "what answers at {host} does not seem to be {service}",
	    "check AWS_ENDPOINT_URL*" },
};

const size_t advice_table_rows = sizeof advice_table / sizeof *advice_table;
