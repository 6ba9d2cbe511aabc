//! `berth admin`: users, from the machine itself. Works beside a running server.

use std::process::ExitCode;

use anyhow::bail;
use berth_config::Settings;
use berth_crypto::random_password;
use berth_iam::{Author, NewUser, Profile};
use berth_model::{Clock, Secret, UserName};
use berth_server::Parts;

use crate::cli::AdminCommand;

/// The password to set, and again if it was made up here and must be shown.
fn choose(given: Option<Secret<String>>) -> (Secret<String>, Option<Secret<String>>) {
    if let Some(given) = given {
        return (given, None);
    }
    let made_up = Secret::new(random_password());
    (made_up.clone(), Some(made_up))
}

pub(crate) async fn run(settings: &Settings, command: AdminCommand) -> anyhow::Result<ExitCode> {
    if !settings.data.is_dir() {
        // The first account of all is the administrator's, which the first start makes.
        bail!(
            "there is no data folder at {}: run berth serve once first",
            settings.data.display()
        );
    }
    let parts = Parts::open(settings, Clock::system()).await?;
    let by = Author::console();
    let given = std::env::var("BERTH_PASSWORD").ok().map(Secret::new);
    let (name, made_up) = match command {
        AdminCommand::CreateUser {
            name,
            email,
            sysadmin,
        } => {
            let (password, made_up) = choose(given);
            let email = email.unwrap_or_else(|| format!("{name}@localhost.localdomain"));
            let profile = Profile {
                email,
                ..Profile::default()
            };
            let user = NewUser {
                name: UserName::try_from(name.clone())?,
                profile,
                password,
            };
            let id = parts.iam.users().create(user, &by).await?;
            if sysadmin {
                parts.iam.users().set_sysadmin(id, true, &by).await?;
            }
            println!("user {name} was created");
            (name, made_up)
        }
        AdminCommand::ResetPassword { name } => {
            let Some(account) = parts.iam.users().find(&name).await? else {
                bail!("there is no user {name}");
            };
            let (password, made_up) = choose(given);
            parts
                .iam
                .users()
                .set_password(account.id, &password, &by)
                .await?;
            println!("the password of user {name} was changed");
            (name, made_up)
        }
    };
    if let Some(password) = made_up {
        println!();
        println!("  User:      {name}");
        println!("  Password:  {}", password.expose());
        println!();
        println!("This password is shown once.");
    }
    parts.close().await;
    Ok(ExitCode::SUCCESS)
}
