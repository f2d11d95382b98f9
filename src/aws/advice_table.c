#include "aws/advice_table.h"

const char *const advice_table[] = {
	/* Permissions. */
	"AccessDenied AccessDeniedException UnauthorizedOperation|||explicit "
	"deny|"
	"a policy explicitly forbids %a to %w: have that Deny changed",
	"|||service control policy|"
	"no service control policy of the organization allows %a: ask its "
	"administrator",
	"|||session policy|"
	"the session policy of %w does not allow %a: allow it there",
	"|||permissions boundary|"
	"the permissions boundary of %w does not allow %a: allow it there, too",
	"||CreateActivation|iam:PassRole|"
	"%w may not hand the node role %r to Systems Manager; %P",
	"||CreateActivation|ssm:AddTagsToResource|"
	"%w may not put tags on what it creates; %A, or leave the tags out",
	"||CreateActivation||%w may not do %a; %A, and %P",
	"||DescribeActivations||"
	"%w may not list activations, so none is looked for that a lost "
	"answer left behind; %A",
	"||AssumeRoleWithWebIdentity||"
	"the trust policy of %r does not accept this token: check the "
	"account's OIDC provider, audience sts.amazonaws.com, sub "
	"system:serviceaccount:NAMESPACE:NAME, and the token's age",
	"||AssumeRole||"
	"%w may not assume %r, or there is no such role: check its trust "
	"policy and external_id; %A",
	"||RequestManagedInstanceRoleToken||"
	"the node or its role is gone: take the node down and bring it up "
	"again",
	"|||Encoded authorization failure message|"
	"%w may not do %a: aws sts decode-authorization-message shows why",
	"||||%w may not do %a; %A",

	/* Credentials. */
	"UnrecognizedClientException InvalidClientTokenId|t|||"
	"the access key from %k is a temporary one: set AWS_SESSION_TOKEN "
	"(profile: aws_session_token) too",
	"||||"
	"the access key from %k is wrong, deleted, of another partition than "
	"%n, or %g is not enabled for the account",
	"ExpiredToken ExpiredTokenException||||"
	"the session token from %k is out of date (good until %e): get new "
	"credentials, or set the clock",
	"InvalidSignatureException SignatureDoesNotMatch AuthFailure "
	"RequestTimeTooSkewed|||Signature expired|"
	"the clock of this machine is behind: set it",
	"|||not yet current|the clock of this machine is ahead: set it",
	"||||"
	"the secret key from %k is not that of the access key or not whole, "
	"or the clock is wrong",
	"IncompleteSignature IncompleteSignatureException "
	"MissingAuthenticationToken MissingAuthenticationTokenException||||"
	"the Authorization header was lost or changed on the way: check the "
	"proxy and AWS_ENDPOINT_URL*",
	"OptInRequired RegionDisabledException||||"
	"%o is not enabled in %g: enable the region (for STS: in IAM's "
	"account settings), or choose another",
	"InvalidIdentityToken||||"
	"STS cannot verify the web identity token: check the account's OIDC "
	"provider, and the token's age",
	"IDPRejectedClaim||||"
	"the identity provider refused the token: get a new one",
	"IDPCommunicationError||||"
	"STS cannot reach the identity provider: try later",
	"PackedPolicyTooLarge MalformedPolicyDocument||||"
	"the policy or tags of the session of %r are refused",
	"ValidationError||AssumeRole||"
	"most often duration_seconds is above the maximum of %r, or above "
	"3600 for a role assumed by a role: lower it",

	/* Activations. */
	"ValidationException InvalidParameters||CreateActivation|exist|"
	"%r is not in this account, was just made (wait some seconds), is "
	"service-linked, or its trust policy lacks %T",
	"||CreateActivation|iamRole|"
	"give the role's name, not its ARN (%r); with a path, PATH/NAME "
	"without a slash in front; at most 64 characters",
	"||CreateActivation|xpirationDate|"
	"the activation must end at most 30 days ahead: change "
	"SSM_ACTIVATE_EXPIRES, or set the clock",
	"||CreateActivation|egistrationLimit|"
	"the registration limit must be from 1 to 1000",
	"||CreateActivation|ag|"
	"tags: keys have 1 to 128 characters and do not begin with aws:, "
	"values up to 256, of letters, digits, blanks and _.:/=+-@",
	"InternalFailure InternalServerError||CreateActivation||"
	"try later, if %r is a role's name and not its ARN; AWS support wants "
	"the request id",
	"InvalidActivation InvalidActivationId||DeleteActivation||"
	"no such activation in %g of this account: nothing is left to delete",
	"||RegisterManagedInstance||"
	"the activation is unknown in %g, expired, used up, or its code is "
	"wrong: make a new activation",
	"TooManyUpdates||||"
	"the same object is being changed elsewhere: try again in a few "
	"seconds",
	"InvalidInstanceId||DeregisterManagedInstance||"
	"no managed node of this account in %g, or gone already: nothing is "
	"left to do",
	"||||no such node in %g, or no permission for it",
	"ServiceSettingNotFound||||"
	"no such setting in %g: the standard tier (1,000 nodes) counts",
	"MachineFingerprintDoesNotMatch||||"
	"the node was registered elsewhere: register anew; containers must "
	"not share a registration",

	/* The service itself. */
	"Throttling ThrottlingException ThrottledException "
	"TooManyRequestsException RequestLimitExceeded||||"
	"AWS limits how often %o may be called: wait, stagger starts of many "
	"containers, or raise AWS_MAX_ATTEMPTS",
	"InternalServerError InternalFailure InternalError ServiceUnavailable "
	"ServiceUnavailableException 500 502 503 504||||"
	"a fault of AWS: try later; AWS support wants the request id",
	"parse_error UnknownOperationException SerializationException 404 301 "
	"302 303 307 308 403 405|c|||"
	"%h does not answer as %s does: check AWS_ENDPOINT_URL*, and "
	"endpoint_url of the profile",
	"||||"
	"%h does not answer as %s does: check the proxy, and where the name "
	"leads to",

	/* No answer. */
	"connection|fv|||"
	"the FIPS or dual-stack name %h may not exist: leave out "
	"AWS_USE_FIPS_ENDPOINT or AWS_USE_DUALSTACK_ENDPOINT in %g",
	"|c|||"
	"the endpoint that is configured cannot be reached: check "
	"AWS_ENDPOINT_URL*, and the network",
	"|f|||"
	"there is no name %h: %g may be misspelt (AWS_REGION), or the name "
	"server knows no public names (/etc/resolv.conf)",
	"||||"
	"check the route to %h: a NAT gateway, a proxy (HTTPS_PROXY), or a "
	"VPC endpoint of %s that lets port 443 in",
	"proxy||||"
	"the proxy does not let %h through: check HTTPS_PROXY, with user and "
	"password, or exclude the host with NO_PROXY",
	"tls|r||not trusted|"
	"partition %n has certificates of its own authority: set "
	"AWS_CA_BUNDLE to a file with them",
	"||||"
	"TLS 1.2 with ECDHE is needed; check the proxy and AWS_ENDPOINT_URL*",
};

const size_t advice_table_rows = sizeof advice_table / sizeof *advice_table;
