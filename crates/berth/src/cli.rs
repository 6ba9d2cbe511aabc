//! What can be typed.

use std::path::PathBuf;

use anyhow::Context;
use berth_config::{ConfigFile, Settings, Sources};
use berth_indexer::Limited;
use berth_scan::{FindingSeverity, ImageName, Platform, Severity};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// A container registry platform in one binary.
#[derive(Debug, Parser)]
#[command(name = "berth", version, about, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Configuration file [default: berth.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of everything the server keeps [default: ./berth-data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server
    Serve(ServeArgs),
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Manage users from the machine itself
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Collect garbage now; a running server need not stop
    Gc(GcArgs),
    /// Compare the database with the stored bytes
    Fsck(FsckArgs),
    /// Look for vulnerabilities, secrets and bad practice in an image, without a server
    Scan(Box<ScanArgs>),
    /// The advisories that the server holds images against
    #[command(subcommand)]
    Vulndb(VulndbCommand),
    /// Read a layer from standard input, for the server
    #[command(hide = true)]
    IndexLayer(IndexLayerArgs),
    /// Print the API document (OpenAPI 3.1)
    Openapi,
    /// Print the version
    Version,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// What this process does: all, web or worker [default: all]
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
}

/// Ends with 0 if nothing reaches `--fail-on`, with 1 if something does, and with 2 if the scan
/// could not be made or part of the image could not be read.
#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// An image in a registry, like registry.example.com/project/app:v1
    pub(crate) image: Option<ImageName>,
    #[command(subcommand)]
    pub(crate) what: Option<ScanWhat>,
    /// Who pulls [default: as docker and podman are logged in]
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    pub(crate) username: Option<String>,
    /// Read the password, or a token, from standard input
    #[arg(long, requires = "username")]
    pub(crate) password_stdin: bool,
    /// The registry speaks without TLS
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Advisories: OSV JSON (zip, folder, file), Alpine secdb, Debian's tracker, or CISA's list of
    /// exploited vulnerabilities, EPSS; as .gz or .zst too; may be given several times
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) db: Vec<PathBuf>,
    /// As --db, where names of distributions' packages are those of binary packages
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) db_binary: Vec<PathBuf>,
    /// How the report is written
    #[arg(long, global = true, value_enum, default_value = "table")]
    pub(crate) format: ScanFormat,
    /// Where the report is written [default: standard output]
    #[arg(long, short, global = true, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// End with 1 if a vulnerability is at least this grave: negligible, low, medium, high, critical
    #[arg(long, global = true, value_name = "SEVERITY", value_parser = severity)]
    pub(crate) fail_on: Option<Severity>,
    /// End with 1 if a secret or a bad practice is at least this grave: info, low, medium, high,
    /// critical
    #[arg(long, global = true, value_name = "SEVERITY", value_parser = finding_severity)]
    pub(crate) fail_on_finding: Option<FindingSeverity>,
    /// Do not end with 2 because part of the image could not be read
    #[arg(long, global = true)]
    pub(crate) allow_incomplete: bool,
    /// OpenVEX document about the image or its packages; may be given several times
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) vex: Vec<PathBuf>,
    /// Vulnerability, or rule of a finding, that does not count; may be given several times
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) ignore: Vec<String>,
    /// File of those: an id on each line, `exp:2026-12-31` behind it if it ends, reasons after #
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ignore_file: Vec<PathBuf>,
    /// Leave out what no version mends
    #[arg(long, global = true)]
    pub(crate) ignore_unfixed: bool,
    /// The image of an index: os/architecture [default: this machine's, on linux]
    #[arg(long, global = true, value_name = "PLATFORM")]
    pub(crate) platform: Option<Platform>,
}

/// What the server allows a process that reads a layer.
#[derive(Debug, Args)]
pub(crate) struct IndexLayerArgs {
    /// Bytes of memory
    memory: u64,
    /// Seconds of work
    seconds: u64,
    /// Folder of temporary files
    scratch: PathBuf,
}

impl IndexLayerArgs {
    pub(crate) fn limited(&self) -> Limited {
        Limited {
            memory: self.memory,
            seconds: self.seconds,
            scratch: self.scratch.clone(),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum VulndbCommand {
    /// Take advisories in; what changes is matched again, and no image is read
    Import {
        /// OSV JSON (zip, folder, file), Alpine secdb, Debian's tracker, or CISA's list of exploited
        /// vulnerabilities
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The feed, which holds these advisories in place of those of its last import [default:
        /// the file's name]
        #[arg(long)]
        name: Option<String>,
        /// Names of distributions' packages are those of binary packages
        #[arg(long)]
        binary_names: bool,
    },
    /// Every feed, with its age
    List,
    /// Put files of advisories into an artifact, as a folder with an OCI layout: push it with any
    /// client, and let servers without a way out fetch it from a registry
    Pack {
        /// The files, as `import` takes them
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The folder, which must not exist yet
        #[arg(long, short, value_name = "DIR")]
        output: PathBuf,
        /// The tag of the artifact in the layout
        #[arg(long, default_value = "latest")]
        tag: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ScanWhat {
    /// An image in a folder with an OCI layout
    OciLayout {
        /// The folder
        dir: PathBuf,
        /// The image's name, tag or digest, if there are several
        reference: Option<String>,
    },
    /// An image in a tar archive: an OCI layout, or what `docker save` writes
    Archive {
        /// The archive
        file: PathBuf,
        /// The image's name or tag, if there are several
        reference: Option<String>,
    },
    /// A folder that is a root file system
    Rootfs {
        /// The folder
        dir: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ScanFormat {
    /// For people
    Table,
    /// Everything
    Json,
    /// SARIF 2.1.0
    Sarif,
    /// CycloneDX 1.6: packages and vulnerabilities
    Cyclonedx,
    /// SPDX 2.3: packages
    Spdx,
}

fn finding_severity(word: &str) -> Result<FindingSeverity, &'static str> {
    match word.to_ascii_lowercase().as_str() {
        "info" => Ok(FindingSeverity::Info),
        "low" => Ok(FindingSeverity::Low),
        "medium" => Ok(FindingSeverity::Medium),
        "high" => Ok(FindingSeverity::High),
        "critical" => Ok(FindingSeverity::Critical),
        _ => Err("write info, low, medium, high or critical"),
    }
}

fn severity(word: &str) -> Result<Severity, &'static str> {
    match word.to_ascii_lowercase().as_str() {
        "negligible" => Ok(Severity::Negligible),
        "low" => Ok(Severity::Low),
        "medium" => Ok(Severity::Medium),
        "high" => Ok(Severity::High),
        "critical" => Ok(Severity::Critical),
        _ => Err("say negligible, low, medium, high or critical"),
    }
}

#[derive(Debug, Args)]
pub(crate) struct GcArgs {
    /// Give up everything that was deleted and could be brought back
    #[arg(long)]
    pub(crate) empty_trash: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FsckArgs {
    /// Read and hash every blob
    #[arg(long)]
    pub(crate) rehash: bool,
    /// Put right what can be; the server must not be running
    #[arg(long)]
    pub(crate) repair: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check the configuration and show every key, its value and where it comes from
    Check,
    /// Print every key with its meaning and default
    Reference,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Create a user; the password is read from BERTH_PASSWORD or made up and printed
    CreateUser {
        /// The user's name
        name: String,
        /// The user's e-mail address
        #[arg(long)]
        email: Option<String>,
        /// Make the user a system administrator
        #[arg(long)]
        sysadmin: bool,
    },
    /// Give a user a new password, read from BERTH_PASSWORD or made up and printed
    ResetPassword {
        /// The user's name
        name: String,
    },
}

impl Cli {
    /// The settings from all their sources; a mistake names the key and where it was made.
    pub(crate) fn settings(&self) -> anyhow::Result<Settings> {
        let file = match &self.config {
            Some(path) => ConfigFile::Required(path.clone()),
            None => ConfigFile::Optional(PathBuf::from("berth.toml")),
        };
        let (listen, role) = match &self.command {
            Command::Serve(args) => (args.listen.clone(), args.role.clone()),
            _ => (None, None),
        };
        let data = self.data.as_ref().map(|data| data.display().to_string());
        let sources = Sources::of_process(file)
            .flag("data", data)
            .flag("http.listen", listen)
            .flag("jobs.role", role);
        Settings::load(&sources).context("the configuration is not usable")
    }
}

pub(crate) fn print_config(settings: &Settings, command: &ConfigCommand) {
    match command {
        ConfigCommand::Check => {
            for entry in settings.explain() {
                let value = entry.value.as_deref().unwrap_or("(not set)");
                println!("{} = {value}  [{}]", entry.key.name, entry.origin);
            }
            println!("the configuration is good");
        }
        ConfigCommand::Reference => {
            for key in Settings::keys() {
                println!("{}  ({})", key.name, key.env());
                for line in key.doc {
                    println!("   {line}");
                }
            }
        }
    }
}
