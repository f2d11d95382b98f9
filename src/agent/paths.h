/* SPDX-License-Identifier: MIT */
#ifndef AGENT_PATHS_H
#define AGENT_PATHS_H

/* Where amazon-ssm-agent keeps what is its own; fixed in its source
 * (agent/appconfig/constants_unix.go). */
#define PATHS_LIB_ABOVE       "/var/lib/amazon"
#define PATHS_LIB             PATHS_LIB_ABOVE "/ssm"
#define PATHS_VAULT           PATHS_LIB "/Vault"
#define PATHS_STORE           PATHS_VAULT "/Store"
#define PATHS_MANIFEST        PATHS_VAULT "/Manifest"
#define PATHS_KEY             PATHS_STORE "/RegistrationKey"
#define PATHS_FINGERPRINT     PATHS_STORE "/InstanceFingerprint"
#define PATHS_REGISTRATION    PATHS_LIB "/registration"
#define PATHS_IDENTITY        PATHS_LIB "/runtimeconfig/identity_config.json"
#define PATHS_IPC             PATHS_LIB "/ipc"
#define PATHS_ETC_ABOVE       "/etc/amazon"
#define PATHS_ETC             PATHS_ETC_ABOVE "/ssm"
#define PATHS_CONFIG_NAME     "amazon-ssm-agent.json"
#define PATHS_CONFIG          PATHS_ETC "/" PATHS_CONFIG_NAME
#define PATHS_SEELOG_NAME     "seelog.xml"
#define PATHS_SEELOG          PATHS_ETC "/" PATHS_SEELOG_NAME
#define PATHS_SEELOG_FROM     PATHS_SEELOG_NAME ".template"
#define PATHS_SEELOG_TEMPLATE PATHS_ETC "/" PATHS_SEELOG_FROM
#define PATHS_LOG_ABOVE       "/var/log/amazon"
#define PATHS_LOG             PATHS_LOG_ABOVE "/ssm"
#define PATHS_LOG_FILE        PATHS_LOG "/amazon-ssm-agent.log"
#define PATHS_BESIDE          "/configuration" /* in its folder, if not PATHS_BIN */
#define PATHS_BIN             "/usr/bin"
#define PATHS_AGENT           "amazon-ssm-agent"
#define PATHS_WORKER          "ssm-agent-worker"
#define PATHS_SESSION         "ssm-session-worker"
#define PATHS_DOCUMENT        "ssm-document-worker"
#define PATHS_SUDOERS_DIR     "/etc/sudoers.d"
#define PATHS_SUDOERS         PATHS_SUDOERS_DIR "/ssm-agent-users"

#endif
