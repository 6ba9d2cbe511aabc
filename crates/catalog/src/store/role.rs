//! What role a user holds in a project, by itself and by its groups: the best of them.

use berth_model::Role;

/// A role's power, 1 for the most powerful: the order of [`Role::ALL`].
const POWER: &str =
    "CASE m.role WHEN 1 THEN 1 WHEN 4 THEN 2 WHEN 2 THEN 3 WHEN 3 THEN 4 ELSE 5 END";

/// SQL of the best power a user holds in a project; NULL: none. Two look-ups by index.
pub(crate) fn power_in(project: &str, user: &str) -> String {
    format!(
        "(SELECT CAST(MIN(held.power) AS BIGINT) FROM (\
           SELECT {POWER} AS power FROM project_member m \
           WHERE m.project_id = {project} AND m.user_id = {user} \
           UNION ALL \
           SELECT {POWER} AS power FROM user_group_member g \
           JOIN project_member m ON m.group_id = g.group_id AND m.project_id = {project} \
           WHERE g.user_id = {user}) held)"
    )
}

/// The role of a power that [`power_in`] gave.
pub(crate) fn role_of(power: Option<i64>) -> Option<Role> {
    let at = usize::try_from(power?).ok()?.checked_sub(1)?;
    Role::ALL.get(at).copied()
}

/// SQL of the projects a user is a member of, by itself or by a group.
pub(crate) fn projects_of(user: &str) -> String {
    format!(
        "SELECT m.project_id FROM project_member m WHERE m.user_id = {user} \
         UNION ALL SELECT m.project_id FROM user_group_member g \
         JOIN project_member m ON m.group_id = g.group_id WHERE g.user_id = {user}"
    )
}

/// [`projects_of`], of those with this role.
pub(crate) fn projects_with(user: &str, role: &str) -> String {
    format!(
        "SELECT m.project_id FROM project_member m WHERE m.user_id = {user} AND m.role = {role} \
         UNION ALL SELECT m.project_id FROM user_group_member g \
         JOIN project_member m ON m.group_id = g.group_id \
         WHERE g.user_id = {user} AND m.role = {role}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_follow_the_order_of_roles() {
        for (at, role) in Role::ALL.into_iter().enumerate() {
            let power = at as i64 + 1;
            assert_eq!(role_of(Some(power)), Some(role));
            let when = format!("WHEN {} THEN {power}", role.id());
            assert!(
                POWER.contains(&when) || role == Role::LimitedGuest,
                "{when}"
            );
        }
        for none in [None, Some(0), Some(6), Some(-1)] {
            assert_eq!(role_of(none), None);
        }
    }
}
