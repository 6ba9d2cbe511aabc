//! The table of all settings. **A new key is one line here**: `name: type = kind, default;` with
//! its meaning above; its row in `docs/configuration.md` is checked by a test.
//!
//! Invariant: field and key are made from the same line, so the two cannot differ.

use berth_model::Secret;
use serde_json::{Map, Value, json};

use super::check::{
    MOST_STORAGE, UNLIMITED, banner, event_types, robot_prefix, scan_schedule, syslog_address,
    text_map, web_address,
};
use super::key::{Kind, Restriction, SettingKey, Typed};

/// A text on one line.
const LINE: Kind = Kind::Text(1024);
/// A text of several lines: a certificate, a list of group names.
const BLOCK: Kind = Kind::Text(32 * 1024);
const URL: Kind = Kind::Ruled(
    "empty or a URL that begins with http:// or https://",
    web_address,
);
const LDAP_SCOPE: Kind = Kind::Whole(0, 2);

macro_rules! settings {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident: $type:ty = $kind:expr, $default:tt;
    )+) => {
        /// All settings.
        #[derive(Clone, Debug)]
        pub struct Settings {
            $(
                $(#[doc = $doc])+
                pub $name: $type,
            )+
        }

        impl Settings {
            /// Every key, in the order of the documentation.
            pub const KEYS: &[SettingKey] = &[$(
                SettingKey { name: stringify!($name), kind: $kind, doc: &[$($doc),+] },
            )+];

            /// Puts a value that fits into its field.
            pub(super) fn assign(&mut self, name: &str, value: &Value) -> bool {
                match name {
                    $(stringify!($name) => match <$type as Typed>::of(value) {
                        Some(value) => self.$name = value,
                        None => return false,
                    },)+
                    _ => return false,
                }
                true
            }

            /// Every key that is not secret, with its value, as the API shows them.
            pub fn to_json(&self) -> Map<String, Value> {
                let shown = [$((stringify!($name), self.$name.shown()),)+];
                shown
                    .into_iter()
                    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                    .collect()
            }
        }

        impl Default for Settings {
            fn default() -> Self {
                Self {
                    $($name: <$type as Typed>::of(&json!($default))
                        .expect("the default of a setting has the setting's type"),)+
                }
            }
        }
    };
}

settings! {
    /// How users sign in. The only way of this version is by the passwords of the database.
    auth_mode: String = Kind::Choice(&["db_auth"]), "db_auth";
    /// Whether the sign-in page offers the other way of signing in first.
    primary_auth_mode: bool = Kind::Flag, false;

    /// Address of the directory server. Used from the version that signs in by LDAP.
    ldap_url: String = LINE, "";
    /// The entry below which users are looked for. Used from the version that signs in by LDAP.
    ldap_base_dn: String = LINE, "";
    /// A filter that users must match. Used from the version that signs in by LDAP.
    ldap_filter: String = LINE, "";
    /// The attribute with the user's name. Used from the version that signs in by LDAP.
    ldap_uid: String = LINE, "cn";
    /// How deep to search: 0 base, 1 one level, 2 all. Used from the version that signs in by LDAP.
    ldap_scope: i64 = LDAP_SCOPE, 2;
    /// The entry that searches. Used from the version that signs in by LDAP.
    ldap_search_dn: String = LINE, "";
    /// Its password. Used from the version that signs in by LDAP.
    ldap_search_password: Secret<String> = Kind::Secret, "";
    /// Seconds to wait for the directory. Used from the version that signs in by LDAP.
    ldap_timeout: i64 = Kind::Whole(1, 300), 5;
    /// Whether the directory's certificate is verified. Used from the version that signs in by LDAP.
    ldap_verify_cert: bool = Kind::Flag, true;
    /// The entry below which groups are looked for. Used from the version that signs in by LDAP.
    ldap_group_base_dn: String = LINE, "";
    /// A filter that groups must match. Used from the version that signs in by LDAP.
    ldap_group_search_filter: String = LINE, "";
    /// The attribute with the group's name. Used from the version that signs in by LDAP.
    ldap_group_attribute_name: String = LINE, "";
    /// How deep to search groups. Used from the version that signs in by LDAP.
    ldap_group_search_scope: i64 = LDAP_SCOPE, 2;
    /// Members of this group administrate the system. Used from the version that signs in by LDAP.
    ldap_group_admin_dn: String = LINE, "";
    /// The attribute with a user's groups. Used from the version that signs in by LDAP.
    ldap_group_membership_attribute: String = LINE, "memberof";
    /// Whether groups are attached at the same time. Used from the version that signs in by LDAP.
    ldap_group_attach_parallel: bool = Kind::Flag, false;

    /// Name of this server at the UAA. Stored for later.
    uaa_client_id: String = LINE, "";
    /// Its secret. Stored for later.
    uaa_client_secret: Secret<String> = Kind::Secret, "";
    /// Address of the UAA. Stored for later.
    uaa_endpoint: String = URL, "";
    /// Whether the UAA's certificate is verified. Stored for later.
    uaa_verify_cert: bool = Kind::Flag, true;

    /// Address of the authenticating proxy. Stored for later.
    http_authproxy_endpoint: String = URL, "";
    /// Where the proxy's tokens are reviewed. Stored for later.
    http_authproxy_tokenreview_endpoint: String = URL, "";
    /// Groups whose members administrate the system, by commas. Stored for later.
    http_authproxy_admin_groups: String = BLOCK, "";
    /// Users who administrate the system, by commas. Stored for later.
    http_authproxy_admin_usernames: String = BLOCK, "";
    /// Whether the proxy's certificate is verified. Stored for later.
    http_authproxy_verify_cert: bool = Kind::Flag, true;
    /// Whether users are taken without being looked for first. Stored for later.
    http_authproxy_skip_search: bool = Kind::Flag, false;
    /// The proxy's certificate, PEM. Stored for later.
    http_authproxy_server_certificate: String = BLOCK, "";

    /// Name of the identity provider on the sign-in page. Used from the version that signs in by OIDC.
    oidc_name: String = LINE, "";
    /// Address of the provider. Used from the version that signs in by OIDC.
    oidc_endpoint: String = URL, "";
    /// Name of this server at the provider. Used from the version that signs in by OIDC.
    oidc_client_id: String = LINE, "";
    /// Its secret. Used from the version that signs in by OIDC.
    oidc_client_secret: Secret<String> = Kind::Secret, "";
    /// The claim with a user's groups. Used from the version that signs in by OIDC.
    oidc_groups_claim: String = LINE, "";
    /// Members of this group administrate the system. Used from the version that signs in by OIDC.
    oidc_admin_group: String = LINE, "";
    /// A pattern of the groups to keep. Used from the version that signs in by OIDC.
    oidc_group_filter: String = LINE, "";
    /// Scopes to ask for, by commas. Used from the version that signs in by OIDC.
    oidc_scope: String = LINE, "";
    /// The claim with the user's name. Used from the version that signs in by OIDC.
    oidc_user_claim: String = LINE, "";
    /// Whether the provider's certificate is verified. Used from the version that signs in by OIDC.
    oidc_verify_cert: bool = Kind::Flag, true;
    /// Whether users are made without asking them for a name. Used from the version that signs in by OIDC.
    oidc_auto_onboard: bool = Kind::Flag, false;
    /// Parameters added to the provider's sign-in address. Used from the version that signs in by OIDC.
    oidc_extra_redirect_parms: String = Kind::Ruled("a JSON object of texts, written as a text", text_map), "{}";
    /// Whether signing out here signs out at the provider. Used from the version that signs in by OIDC.
    oidc_logout: bool = Kind::Flag, false;

    /// Who may create projects.
    project_creation_restriction: Restriction = Kind::Choice(&["everyone", "adminonly"]), "everyone";
    /// Days that deleted tags, artifacts and repositories can be brought back; 0 for never.
    undelete_days: i64 = Kind::Whole(0, 365), 7;
    /// Pushes, deletions and every other change are refused.
    read_only: bool = Kind::Flag, false;
    /// Visitors may make an account.
    self_registration: bool = Kind::Flag, false;
    /// Minutes a registry token is valid.
    token_expiration: i64 = Kind::Whole(1, 60), 30;
    /// Minutes a session of the portal lasts without use.
    session_timeout: i64 = Kind::Whole(1, 43_200), 60;
    /// Days a robot lives if its maker does not say.
    robot_token_duration: i64 = Kind::Whole(1, 3650), 30;
    /// What the names of robots begin with.
    robot_name_prefix: String = Kind::Ruled("1 to 32 of the characters a-z A-Z 0-9 . _ - $ + @", robot_prefix), "robot$";
    /// Whether webhooks are sent.
    notification_enable: bool = Kind::Flag, true;
    /// Whether the storage of projects is limited.
    quota_per_project_enable: bool = Kind::Flag, true;
    /// Storage of a new project, bytes; -1 for no limit.
    storage_per_project: i64 = Kind::Whole(UNLIMITED, MOST_STORAGE), UNLIMITED;
    /// When everything is scanned. Used from the version that scans.
    scan_all_policy: Value = Kind::Object("an object with type \"none\" or \"daily\" and parameter.daily_time in seconds", scan_schedule), {"type": "none"};
    /// A text shown above every page: empty, or JSON with the message, its type and its dates.
    banner_message: String = Kind::Ruled("empty or a JSON object, written as a text of at most 8 KiB, with the text \"message\" and perhaps type (success, info, warning, danger), closable, fromDate and toDate", banner), "";
    /// Address of a syslog server that gets every audit line.
    audit_log_forward_endpoint: String = Kind::Ruled("empty or host:port, perhaps after tcp://, udp:// or tls://", syslog_address), "";
    /// Audit lines are forwarded only and not kept in the database.
    skip_audit_log_database: bool = Kind::Flag, false;
    /// Events that are not written to the access log.
    disabled_audit_log_event_types: String = Kind::Ruled("names of GET /api/v2.0/auditlog-exts/events, joined by commas", event_types), "";
    /// Pulls of external scanners are not counted and change no pull time.
    scanner_skip_update_pulltime: bool = Kind::Flag, false;
    /// Pulls do not change pull times.
    pull_time_update_disable: bool = Kind::Flag, false;
    /// Pulls are not counted.
    pull_count_update_disable: bool = Kind::Flag, false;
    /// Pulls are not written to the access log.
    pull_audit_log_disable: bool = Kind::Flag, false;
}
