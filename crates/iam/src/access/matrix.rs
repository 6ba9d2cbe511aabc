//! The role matrix as data.
//!
//! Invariant: what is not written in [`TABLE`] is held by nobody but system administrators.

use berth_model::{Action, Resource, Role};

use super::Permission;

/// Who holds what: the columns are project administrator, maintainer, developer, guest, limited
/// guest, and everybody on a public project. In a cell C is create, R read, U update, D delete,
/// L list, `<` pull, `>` push, `o` operate, `s` stop.
const TABLE: &[(Resource, [&str; COLUMNS])] = &[
    (Resource::Project, ["RUD", "R", "R", "R", "R", "R"]),
    (Resource::Member, ["CRUDL", "RL", "RL", "RL", "", ""]),
    (Resource::Metadata, ["CRUD", "R", "", "", "", ""]),
    (Resource::Log, ["L", "", "", "", "", ""]),
    (Resource::Label, ["CRUDL", "CRUDL", "RL", "RL", "", "RL"]),
    (Resource::Quota, ["R", "R", "R", "R", "R", ""]),
    (
        Resource::Repository,
        ["CRUDL<>", "CRUDL<>", "CRUL<>", "RL<", "RL<", "L<"],
    ),
    (
        Resource::TagRetention,
        ["CRUDLo", "CRUDLo", "CRUDLo", "", "", ""],
    ),
    (Resource::ImmutableTag, ["CUDL", "CUDL", "", "", "", ""]),
    (Resource::Configuration, ["RU", "R", "R", "R", "R", ""]),
    (Resource::Robot, ["CRUDL", "RL", "RL", "RL", "", ""]),
    (
        Resource::NotificationPolicy,
        ["CRUDL", "RL", "", "", "", ""],
    ),
    (Resource::Scan, ["CRs", "CRs", "R", "R", "R", "R"]),
    (Resource::Sbom, ["CRs", "CRs", "R", "R", "R", ""]),
    (Resource::Scanner, ["CR", "R", "R", "R", "R", "R"]),
    (
        Resource::Artifact,
        ["CRDL", "CRDL", "CRL", "RL", "RL", "RL"],
    ),
    (Resource::ArtifactAddition, ["R", "R", "R", "R", "R", "R"]),
    (Resource::Tag, ["CDL", "CDL", "CL", "L", "L", "L"]),
    (Resource::Accessory, ["L", "L", "L", "L", "L", "L"]),
    (Resource::ArtifactLabel, ["CD", "CD", "CD", "", "", ""]),
    (Resource::PreheatPolicy, ["CRUDL", "", "", "", "", ""]),
    (Resource::ExportCve, ["CRL", "CRL", "CRL", "", "", ""]),
];

const COLUMNS: usize = 6;
const PUBLIC: usize = 5;

/// [`TABLE`] as sets of actions, by the resource's number: one look-up a decision.
static HELD: [[u16; COLUMNS]; Resource::ALL.len()] = compile();

const fn compile() -> [[u16; COLUMNS]; Resource::ALL.len()] {
    let mut held = [[0; COLUMNS]; Resource::ALL.len()];
    let mut row = 0;
    while row < TABLE.len() {
        let (resource, cells) = &TABLE[row];
        let mut column = 0;
        while column < COLUMNS {
            let letters = cells[column].as_bytes();
            let mut i = 0;
            while i < letters.len() {
                held[*resource as usize][column] |= bit(meaning(letters[i]));
                i += 1;
            }
            column += 1;
        }
        row += 1;
    }
    held
}

const fn meaning(letter: u8) -> Action {
    match letter {
        b'C' => Action::Create,
        b'R' => Action::Read,
        b'U' => Action::Update,
        b'D' => Action::Delete,
        b'L' => Action::List,
        b'<' => Action::Pull,
        b'>' => Action::Push,
        b'o' => Action::Operate,
        b's' => Action::Stop,
        _ => panic!("a letter of the table that means nothing"),
    }
}

const fn bit(action: Action) -> u16 {
    1 << action as u16
}

const fn column(role: Role) -> usize {
    match role {
        Role::ProjectAdmin => 0,
        Role::Maintainer => 1,
        Role::Developer => 2,
        Role::Guest => 3,
        Role::LimitedGuest => 4,
    }
}

fn holds(column: usize, permission: Permission) -> bool {
    HELD[permission.resource as usize][column] & bit(permission.action) != 0
}

/// Whether a member with `role` holds `permission`.
pub(super) fn role_holds(role: Role, permission: Permission) -> bool {
    holds(column(role), permission)
}

/// Whether everybody holds `permission` on a public project.
pub(super) fn public_holds(permission: Permission) -> bool {
    holds(PUBLIC, permission)
}

/// Every permission that exists in projects: those of project administrators, who hold all.
pub(super) fn known() -> impl Iterator<Item = Permission> {
    Resource::ALL.iter().flat_map(|resource| {
        Action::ALL
            .iter()
            .map(|action| Permission::new(*resource, *action))
            .filter(|permission| (0..COLUMNS).any(|column| holds(column, *permission)))
    })
}
