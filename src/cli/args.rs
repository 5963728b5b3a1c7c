//! The command line: every command with its flags, help and environment variables.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};
use linkloom_ingest::decode::Reason;
use linkloom_ingest::source::kafka::Bound;
use linkloom_schema::time::Timestamp;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Turns the scattered reports of a business flow into the story of each execution.
///
/// Applications report what each step of a flow did; Linkloom lays those reports over the definition of the flow and
/// answers, for a business id: which executions there were, what ran, what failed, what was skipped and what is missing.
#[derive(Clone, Debug, Parser)]
#[command(name = "linkloom", version, styles = STYLES, max_term_width = 110, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 not found or a check failed, 2 wrong usage or the environment is at fault.\n\
    A TIME is RFC 3339 with an offset, such as 2026-11-21T10:00:00Z or 2026-11-21T18:00:00+08:00, or a date, which \
    is its first instant in UTC.\n\
    Settings of the configuration can be given as LINKLOOM__SECTION__KEY; `linkloom config print` shows them all."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// Flags of the process, the same for all commands.
    #[command(flatten)]
    pub process: ProcessArgs,
}

/// How this process runs.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Process")]
pub struct ProcessArgs {
    /// The configuration, a TOML file.
    #[arg(long, global = true, value_name = "FILE", env = "LINKLOOM_CONFIG")]
    pub config: Option<PathBuf>,

    /// Whether to colour what goes to the terminal (NO_COLOR switches `auto` off).
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", env = "LINKLOOM_COLOR")]
    pub color: ColorChoice,

    /// Least level to log on stderr, over the configuration: error, warn, info, debug, trace, off, or levels by part
    /// such as `info,linkloom_storage=debug`.
    #[arg(long, global = true, value_name = "LEVEL", env = "LINKLOOM_LOG", value_parser = log_filter)]
    pub log: Option<String>,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// When it is a terminal that can show them.
    #[default]
    Auto,
    /// Also into files and pipes.
    Always,
    /// Not at all.
    Never,
}

/// How a reading command answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people.
    #[default]
    Table,
    /// For programs: the JSON of the API.
    Json,
}

/// Which store.
#[derive(Clone, Debug, Default, Args)]
pub struct StoreArgs {
    /// The folder of the embedded store, over `[store] path` of the configuration.
    #[arg(long, value_name = "PATH", env = "LINKLOOM_STORE")]
    pub store: Option<PathBuf>,

    /// HBase instead, through these Thrift gateways, over `[hbase] gateways` of the configuration.
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',', env = "LINKLOOM_HBASE", value_parser = host_and_port)]
    pub hbase: Vec<String>,
}

/// What all reading commands take.
#[derive(Clone, Debug, Args)]
pub struct ReadArgs {
    /// The store that is read.
    #[command(flatten)]
    pub store: StoreArgs,

    /// How to answer.
    #[arg(long, value_name = "FORMAT", default_value = "table", env = "LINKLOOM_OUTPUT")]
    pub output: OutputFormat,

    /// The instant that decides whether a silent execution is running or stalled, such as 2026-11-21T10:00:00Z or
    /// 2026-11-21; now if absent.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub as_of: Option<Timestamp>,
}

/// Which part of a long answer.
#[derive(Clone, Debug, Args)]
pub struct PageArgs {
    /// At most this many entries.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,

    /// Go on where the answer before ended: its `nextCursor`.
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Send a made-up workload through the real pipeline and show what came out.
    ///
    /// Needs no network and no set-up. Prints the business ids worth looking at, the tree of a failed execution, and the
    /// commands to go on with. The store stays.
    Demo(DemoArgs),

    /// Read report files into the store.
    ///
    /// Refused lines become dead letters and are counted on stderr. A finished file is not read again, one that has grown
    /// is read on from where it ended; stdin (`-`) is always read from its start.
    #[command(after_help = "Examples:\n  linkloom ingest --store S reports.ndjson\n  \
        linkloom ingest --store S --dsl dsl-samples dsl-samples/*.ndjson\n  \
        linkloom convert --from xes log.xes | linkloom ingest --store S -")]
    Ingest(IngestArgs),

    /// Read topics of Kafka into the store and answer questions about it, until it is told to stop.
    ///
    /// Reads the topics of `[kafka]` in the configuration, none if `kafka.brokers` is empty, and serves the HTTP API. Ends
    /// on SIGINT and SIGTERM: what was read is then stored and committed.
    #[command(after_help = "Examples:\n  linkloom serve --store S --brokers 127.0.0.1:9092\n  \
        linkloom serve --config linkloom.toml --listen 127.0.0.1:7070")]
    Serve(ServeArgs),

    /// Bring reports to Kafka, for services that no log agent serves: lines of files, and what is posted.
    ///
    /// Files are followed as a log agent does, rolled and new ones too; `POST /api/v1/reports` is answered when Kafka has the
    /// reports. Needs no store.
    #[command(
        after_help = "Examples:\n  linkloom relay --brokers kafka-1:9092 --file '/var/log/app/*.ndjson' --state /var/lib/linkloom-relay\n  \
        linkloom relay --brokers kafka-1:9092 --listen 127.0.0.1:7071"
    )]
    Relay(RelayArgs),

    /// Read a stretch of a topic again and store what is not there yet.
    ///
    /// No consumer group moves. What is stored already is left alone, so that doing it twice changes nothing. One that
    /// was interrupted goes on where it ended.
    #[command(
        after_help = "Examples:\n  linkloom backfill --store S --topic linkloom-reports --from 2026-11-20\n  \
        linkloom backfill --store S --topic linkloom-reports --from 1000000 --to 2000000 --rate 50000"
    )]
    Backfill(BackfillArgs),

    /// Prove that every line of files, or record of a topic, is in the store: stored, a duplicate, a dead letter, or past
    /// retention.
    ///
    /// Reads them again and looks every report up in its row. Exit code 1 if one is missing; the first missing ones are
    /// named by file and line, or topic, partition and offset.
    #[command(after_help = "Examples:\n  linkloom verify --store S reports.ndjson\n  \
        linkloom verify --store S --topic linkloom-reports --from 2026-11-20 --to 2026-11-21")]
    Verify(VerifyArgs),

    /// Look at executions.
    #[command(subcommand)]
    Link(LinkCommand),

    /// Look at one node of an execution.
    #[command(subcommand)]
    Node(NodeCommand),

    /// Work with definitions of links.
    #[command(subcommand)]
    Dsl(DslCommand),

    /// Turn recorded executions and event logs of other systems into report lines on stdout.
    #[command(
        after_help = "Examples:\n  linkloom convert --from conductor executions.json | linkloom ingest --store S -\n  \
        linkloom convert --from csv --case 'Case ID' --activity Activity --time 'Complete Timestamp' orders.csv\n  \
        linkloom convert --from xes permits.xes"
    )]
    Convert(ConvertArgs),

    /// Look at refused reports and try them again.
    #[command(subcommand)]
    Dead(DeadCommand),

    /// Look at reports that carry no link mark.
    #[command(subcommand)]
    Unlinked(UnlinkedCommand),

    /// Print the row key of an execution in the `link` table.
    #[command(after_help = "Example:\n  linkloom rowkey content-42 realtime-input 5f2c")]
    Rowkey(MarkArgs),

    /// Make and check the tables in HBase.
    #[command(subcommand)]
    Hbase(HbaseCommand),

    /// Check or print the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),

    /// Measure this machine with made-up reports.
    #[command(subcommand)]
    Bench(BenchCommand),
}

/// `demo`
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// End without waiting for anything, for scripts.
    #[arg(long)]
    pub once: bool,

    /// The store that is written; a temporary folder, printed, if absent.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `ingest`
#[derive(Clone, Debug, Args)]
pub struct IngestArgs {
    /// Report files, one JSON object a line; `-` is stdin.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The store that is written.
    #[command(flatten)]
    pub store: StoreArgs,

    /// Put the definitions in this folder into the definition log first, over `[dsl] dir` of the configuration.
    #[arg(long, value_name = "DIR")]
    pub dsl: Option<PathBuf>,

    /// Exit with 1 if a report was refused, also when that was in an earlier call and it was not replayed since.
    #[arg(long)]
    pub strict: bool,

    /// Show no progress.
    #[arg(long)]
    pub no_progress: bool,
}

/// Which Kafka.
#[derive(Clone, Debug, Args)]
pub struct KafkaArgs {
    /// Where Kafka is, HOST:PORT with commas between them, over `[kafka] brokers` of the configuration.
    #[arg(long, value_name = "BROKERS", env = "LINKLOOM_BROKERS")]
    pub brokers: Option<String>,
}

/// Which records of a topic.
#[derive(Clone, Debug, Args)]
pub struct RangeArgs {
    /// The first record of each partition: an offset, or the time from which on Kafka got them; the beginning if absent.
    #[arg(long, value_name = "TIME|OFFSET", value_parser = bound)]
    pub from: Option<Bound>,

    /// The first record that is not read any more: an offset or a time; the end there is now if absent.
    #[arg(long, value_name = "TIME|OFFSET", value_parser = bound)]
    pub to: Option<Bound>,
}

/// `serve`
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// The store that is written.
    #[command(flatten)]
    pub store: StoreArgs,

    /// The Kafka that is read.
    #[command(flatten)]
    pub kafka: KafkaArgs,

    /// Address of the HTTP API, over `[api] listen` of the configuration; port 0 picks a free one.
    #[arg(long, value_name = "IP:PORT", env = "LINKLOOM_LISTEN")]
    pub listen: Option<SocketAddr>,

    /// Put the definitions in this folder into the definition log first, over `[dsl] dir` of the configuration.
    #[arg(long, value_name = "DIR")]
    pub dsl: Option<PathBuf>,
}

/// `relay`
#[derive(Clone, Debug, Args)]
pub struct RelayArgs {
    /// The Kafka that is written.
    #[command(flatten)]
    pub kafka: KafkaArgs,

    /// The topic that is written, over `[relay] topic` of the configuration.
    #[arg(long, value_name = "TOPIC")]
    pub topic: Option<String>,

    /// Follow these files, over `[relay] files` of the configuration; `*`, `?`, `[..]` and `**` stand for what they do in a
    /// shell, and find files that come later, too, when they are quoted.
    #[arg(long = "file", value_name = "PATH")]
    pub files: Vec<String>,

    /// Folder in which it is written down how far files were read, over `[relay] state` of the configuration.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,

    /// Address of the HTTP API, over `[api] listen` of the configuration; port 0 picks a free one.
    #[arg(long, value_name = "IP:PORT", env = "LINKLOOM_LISTEN")]
    pub listen: Option<SocketAddr>,
}

/// `backfill`
#[derive(Clone, Debug, Args)]
pub struct BackfillArgs {
    /// The topic.
    #[arg(long, value_name = "TOPIC")]
    pub topic: String,

    /// Which of its records.
    #[command(flatten)]
    pub range: RangeArgs,

    /// At most this many records a second; 0: as fast as it goes.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub rate: u64,

    /// Begin anew, even if an earlier run of the same stretch was interrupted.
    #[arg(long)]
    pub anew: bool,

    /// The Kafka that is read.
    #[command(flatten)]
    pub kafka: KafkaArgs,

    /// The store that is written.
    #[command(flatten)]
    pub store: StoreArgs,

    /// Show no progress.
    #[arg(long)]
    pub no_progress: bool,
}

/// `verify`
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// The files that were ingested; `-` is stdin.
    #[arg(required_unless_present = "topic", conflicts_with = "topic", value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The topic that was read, instead of files.
    #[arg(long, value_name = "TOPIC")]
    pub topic: Option<String>,

    /// Which of its records.
    #[command(flatten)]
    pub range: RangeArgs,

    /// The Kafka the topic is in.
    #[command(flatten)]
    pub kafka: KafkaArgs,

    /// The store that is read.
    #[command(flatten)]
    pub store: StoreArgs,

    /// How to answer.
    #[arg(long, value_name = "FORMAT", default_value = "table", env = "LINKLOOM_OUTPUT")]
    pub output: OutputFormat,
}

/// The three ids of an execution.
#[derive(Clone, Debug, Args)]
pub struct MarkArgs {
    /// What the business calls the thing: content id, order id, user id.
    #[arg(value_name = "BUSINESS")]
    pub business_id: String,

    /// Which link was run.
    #[arg(value_name = "SCENE")]
    pub scene_id: String,

    /// Which run of it.
    #[arg(value_name = "EXECUTION")]
    pub execution_id: String,
}

/// `link ...`
#[derive(Clone, Debug, Subcommand)]
pub enum LinkCommand {
    /// The executions of a business id over all scenes, newest first.
    ///
    /// Exit code 1 if there is none.
    #[command(
        after_help = "NODES counts nodes by state, with the signs of `link show`; ERRORS counts business logs of level \
        ERROR and FATAL.\n\nExamples:\n  linkloom link list --store S content-42\n  \
        linkloom link list --store S content-42 --scene realtime-input --status failed --from 2026-11-01 --output json"
    )]
    List(LinkListArgs),

    /// One execution laid over its definition: what ran, what failed, what was skipped, what is missing.
    #[command(
        after_help = "Signs: ✔ completed  ✖ failed  ▶ running  ■ stalled  ! missing  ○ not reached  ┄ not taken  \
        + not in the definition  ~ past retention\n\
        A node's line: name, state, when its latest run began (from the start of the execution; → when only its end is \
        known), how long it took. ×2: it ran twice; → pass: a decision's case, with ? if inferred; ↗: the execution \
        behind it; ⋯: folded nodes.\n\n\
        Example:\n  linkloom link show --store S content-42 realtime-input 5f2c"
    )]
    Show(LinkShowArgs),

    /// The business logs of an execution over all its nodes, oldest first, also those that name no node.
    #[command(
        after_help = "Examples:\n  linkloom link logs --store S content-42 realtime-input 5f2c --text timeout\n  \
        linkloom link logs --store S content-42 realtime-input 5f2c --without-node --output json"
    )]
    Logs(LinkLogsArgs),

    /// Wait until an execution has a status and nodes have run, for tests: exit code 0 if so, 1 if not in time.
    ///
    /// Ends early, with 1, when the execution has failed (or completed) and that is not what is waited for: two seconds
    /// later, for a retry may begin. With --output json the execution is printed as `link show` does, either way.
    #[command(
        after_help = "Example:\n  linkloom link wait --store S content-42 realtime-input 5f2c --until completed \
        --timeout 30s --expect-nodes a,b"
    )]
    Wait(LinkWaitArgs),

    /// Play what was reported of an execution back in time order, as fast as it happened or faster.
    ///
    /// As `--output ndjson` report lines come out, which another system or store can read.
    #[command(
        after_help = "Examples:\n  linkloom link replay --store S content-42 realtime-input 5f2c --speed 10\n  \
        linkloom link replay --store S content-42 realtime-input 5f2c --speed 0 --output ndjson > reports.ndjson"
    )]
    Replay(LinkReplayArgs),
}

/// `link list`
#[derive(Clone, Debug, Args)]
pub struct LinkListArgs {
    /// What the business calls the thing.
    #[arg(value_name = "BUSINESS")]
    pub business_id: String,

    /// Only executions of this scene.
    #[arg(long, value_name = "SCENE")]
    pub scene: Option<String>,

    /// Only executions in this status.
    #[arg(long, value_name = "STATUS")]
    pub status: Option<StatusArg>,

    /// Only executions that started at this time or later, such as 2026-11-21T10:00:00Z or 2026-11-21.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub from: Option<Timestamp>,

    /// Only executions that started before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub to: Option<Timestamp>,

    /// Which part of the list.
    #[command(flatten)]
    pub page: PageArgs,

    /// How to read and answer.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// Status of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatusArg {
    /// Something may still come.
    Running,
    /// It went through.
    Completed,
    /// It broke.
    Failed,
    /// It fell silent.
    Stalled,
}

impl StatusArg {
    /// The text of the answers.
    pub fn as_str(self) -> &'static str {
        match self {
            StatusArg::Running => "running",
            StatusArg::Completed => "completed",
            StatusArg::Failed => "failed",
            StatusArg::Stalled => "stalled",
        }
    }
}

/// `link show`
#[derive(Clone, Debug, Args)]
pub struct LinkShowArgs {
    /// Which execution.
    #[command(flatten)]
    pub mark: MarkArgs,

    /// How to read and answer.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `link logs`
#[derive(Clone, Debug, Args)]
pub struct LinkLogsArgs {
    /// Which execution.
    #[command(flatten)]
    pub mark: MarkArgs,

    /// Only logs of exactly this level, in any case: `warn` finds WARN and WARNING, not ERROR.
    #[arg(long, value_name = "LEVEL")]
    pub level: Option<String>,

    /// Only logs with this text in their message.
    #[arg(long, value_name = "TEXT")]
    pub text: Option<String>,

    /// Only logs that name no node.
    #[arg(long)]
    pub without_node: bool,

    /// Which part of the logs.
    #[command(flatten)]
    pub page: PageArgs,

    /// The store that is read.
    #[command(flatten)]
    pub store: StoreArgs,

    /// How to answer.
    #[arg(long, value_name = "FORMAT", default_value = "table", env = "LINKLOOM_OUTPUT")]
    pub output: OutputFormat,
}

/// `link wait`
#[derive(Clone, Debug, Args)]
pub struct LinkWaitArgs {
    /// Which execution.
    #[command(flatten)]
    pub mark: MarkArgs,

    /// The status to wait for.
    #[arg(long, value_name = "STATUS", default_value = "completed")]
    pub until: StatusArg,

    /// How long to wait, such as `500ms`, `30s`, `5m`; a number alone is seconds.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub timeout: Duration,

    /// Wait on when the execution has ended in another way: a retry may still come.
    #[arg(long)]
    pub keep_waiting: bool,

    /// Nodes that must have completed, separated by commas.
    #[arg(long, value_name = "NODES", value_delimiter = ',')]
    pub expect_nodes: Vec<String>,

    /// How to read and answer.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `link replay`
#[derive(Clone, Debug, Args)]
pub struct LinkReplayArgs {
    /// Which execution.
    #[command(flatten)]
    pub mark: MarkArgs,

    /// How many times faster than it happened; 0: without any pause.
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,

    /// Longest pause between two reports, such as `500ms`, `30s`, `5m`: a review may have waited for days.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub pause_max: Duration,

    /// How to show it.
    #[arg(long, value_name = "FORMAT", default_value = "table", env = "LINKLOOM_OUTPUT")]
    pub output: ReplayFormat,

    /// The store that is read.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// How `link replay` shows reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReplayFormat {
    /// For people.
    #[default]
    Table,
    /// As report lines.
    #[value(alias = "json")]
    Ndjson,
}

/// `node ...`
#[derive(Clone, Debug, Subcommand)]
pub enum NodeCommand {
    /// The runs of a node with input and output, and its business logs.
    #[command(
        after_help = "Examples:\n  linkloom node show --store S content-42 realtime-input 5f2c picProcess\n  \
        linkloom node show --store S content-42 realtime-input 5f2c picProcess --run '#2' --level WARN"
    )]
    Show(NodeShowArgs),
}

/// `node show`
#[derive(Clone, Debug, Args)]
pub struct NodeShowArgs {
    /// Which execution.
    #[command(flatten)]
    pub mark: MarkArgs,

    /// Which node.
    #[arg(value_name = "NODE")]
    pub node_name: String,

    /// Only this run: its id, or `#1`, `#2`, ...; the logs are those of the node all the same.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,

    /// Only logs of exactly this level, in any case: `warn` finds WARN and WARNING, not ERROR.
    #[arg(long, value_name = "LEVEL")]
    pub level: Option<String>,

    /// Which part of the logs.
    #[command(flatten)]
    pub page: PageArgs,

    /// How to read and answer.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `dsl ...`
#[derive(Clone, Debug, Subcommand)]
pub enum DslCommand {
    /// Check definitions; lists all problems of all files.
    ///
    /// Exit code 1 if there is one.
    #[command(after_help = "Example:\n  linkloom dsl check dsl-samples/*.json dsl-samples/*.xml")]
    Check(DslCheckArgs),

    /// Put definitions into the definition log of a store.
    ///
    /// All files are checked before one is put. A scene's version that holds already is left as it is. Exit code 1 if a
    /// file has problems; nothing is put then.
    #[command(
        after_help = "Example:\n  linkloom dsl put --store S --valid-from 2026-11-21T10:00:00Z review.json"
    )]
    Put(DslPutArgs),

    /// Draw the plan of a definition: of a file, or of a scene in a store.
    #[command(
        after_help = "Examples:\n  linkloom dsl graph review.json\n  linkloom dsl graph --format dot review.json | dot -Tsvg\n  \
        linkloom dsl graph --store S human-review"
    )]
    Graph(DslGraphArgs),

    /// Import definitions that other systems use.
    #[command(subcommand)]
    Import(DslImportCommand),
}

/// Definition files.
#[derive(Clone, Debug, Args)]
pub struct DslFilesArgs {
    /// Definitions, `.json` or `.xml`.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// `dsl check`
#[derive(Clone, Debug, Args)]
pub struct DslCheckArgs {
    /// Which files.
    #[command(flatten)]
    pub files: DslFilesArgs,

    /// How to answer.
    #[arg(long, value_name = "FORMAT", default_value = "table", env = "LINKLOOM_OUTPUT")]
    pub output: OutputFormat,
}

/// `dsl put`
#[derive(Clone, Debug, Args)]
pub struct DslPutArgs {
    /// Which files.
    #[command(flatten)]
    pub files: DslFilesArgs,

    /// Valid for executions that start at this time or later; now if absent. The first version of a scene is valid from
    /// the beginning.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub valid_from: Option<Timestamp>,

    /// The store that is written.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `dsl graph`
#[derive(Clone, Debug, Args)]
pub struct DslGraphArgs {
    /// A definition, `.json` or `.xml`; with --store a scene.
    #[arg(value_name = "FILE|SCENE")]
    pub source: String,

    /// Draw the definition of a scene in this store. Not taken from the environment: without it a file is drawn.
    #[arg(long, value_name = "PATH")]
    pub store: Option<PathBuf>,

    /// The version for executions that start at this time; the latest if absent.
    #[arg(long, value_name = "TIME", value_parser = time, requires = "store")]
    pub valid_at: Option<Timestamp>,

    /// The language of the drawing.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: GraphFormat,
}

/// The language of a drawn plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// For the terminal.
    Text,
    /// Mermaid, as in Markdown.
    Mermaid,
    /// Graphviz.
    Dot,
}

/// `dsl import ...`
#[derive(Clone, Debug, Subcommand)]
pub enum DslImportCommand {
    /// Workflow definitions of Netflix Conductor, plain or packed with gzip; what had to be simplified is said on stderr.
    ///
    /// Exit code 1 if one was refused.
    #[command(after_help = "Example:\n  linkloom dsl import conductor --out definitions workflows/*.json")]
    Conductor(DslImportArgs),
}

/// `dsl import conductor`
#[derive(Clone, Debug, Args)]
pub struct DslImportArgs {
    /// Workflow definitions, JSON.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The folder the definitions are written to, one file a scene; stdout if absent.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Replace files in that folder that have another content.
    #[arg(long, requires = "out")]
    pub force: bool,
}

/// `convert`
#[derive(Clone, Debug, Args)]
pub struct ConvertArgs {
    /// What the files hold.
    #[arg(long, value_name = "FORMAT")]
    pub from: ConvertFormat,

    /// The files, plain or packed with gzip; `-` is stdin.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Which column of a table, or attribute of an event log, is what.
    #[command(flatten)]
    pub columns: ColumnArgs,
}

/// Which column of a table, or attribute of an event log, is what. What is not named is found by its usual name.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Columns of csv, attributes of xes")]
pub struct ColumnArgs {
    /// The scene of all executions, a text; the name of the file without endings if absent.
    #[arg(long, value_name = "TEXT")]
    pub scene: Option<String>,

    /// The case: one execution each.
    #[arg(long, value_name = "COLUMN")]
    pub case: Option<String>,

    /// The activity: the node.
    #[arg(long, value_name = "COLUMN")]
    pub activity: Option<String>,

    /// What happened to the activity: start, complete, ...
    #[arg(long, value_name = "COLUMN")]
    pub lifecycle: Option<String>,

    /// The time of an event.
    #[arg(long, value_name = "COLUMN")]
    pub time: Option<String>,

    /// When the activity started.
    #[arg(long, value_name = "COLUMN")]
    pub start: Option<String>,

    /// When the activity ended.
    #[arg(long, value_name = "COLUMN")]
    pub end: Option<String>,

    /// Who or what did it: the instance.
    #[arg(long, value_name = "COLUMN")]
    pub resource: Option<String>,

    /// The business id; the case if absent.
    #[arg(long, value_name = "COLUMN")]
    pub business: Option<String>,

    /// The execution id; the case if absent.
    #[arg(long, value_name = "COLUMN")]
    pub execution: Option<String>,

    /// A fact about the execution; can be given more than once.
    #[arg(long, value_name = "COLUMN")]
    pub meta: Vec<String>,

    /// Output of the activity; can be given more than once. All other columns are input.
    #[arg(long, value_name = "COLUMN")]
    pub out_column: Vec<String>,

    /// How times are written, as in `strptime`, such as `%d.%m.%Y %H:%M`; ISO 8601 or numbers if absent.
    #[arg(long, value_name = "FORMAT")]
    pub time_format: Option<String>,

    /// The offset of times that carry none, such as `+02:00`; UTC if absent.
    #[arg(long, value_name = "OFFSET", default_value = "+00:00", value_parser = utc_offset_secs, allow_hyphen_values = true)]
    pub utc_offset: i32,

    /// What stands between the fields of a table: one ASCII character or `tab`; told from the header if absent.
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    pub delimiter: Option<u8>,
}

/// What `convert` reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConvertFormat {
    /// Recorded executions of Netflix Conductor, JSON.
    Conductor,
    /// A table with a header line.
    Csv,
    /// An event log in XES.
    Xes,
}

/// `dead ...`
#[derive(Clone, Debug, Subcommand)]
pub enum DeadCommand {
    /// Refused reports with reason, origin and id.
    #[command(after_help = "Examples:\n  linkloom dead list --store S\n  \
        linkloom dead list --store S --source reports.ndjson --reason bad_time")]
    List(DeadListArgs),

    /// Decode refused reports again, after the configuration or the program has changed.
    ///
    /// What is accepted now is stored and marked as replayed, what is still refused stays. Replaying again changes
    /// nothing. Exit code 1 if there is no dead letter of an id.
    #[command(
        override_usage = "linkloom dead replay [OPTIONS] <ID>...\n       linkloom dead replay [OPTIONS] --all"
    )]
    #[command(after_help = "Examples:\n  linkloom dead replay --store S --all\n  \
        linkloom dead replay --store S 'reports.ndjson|00000|00000000000000000077#00f1e2d3c4b5a697'\n\n\
        An id is the row key of the letter, `#` and 16 hex digits made from its content; `dead list` prints it.")]
    Replay(DeadReplayArgs),
}

/// `dead list`
#[derive(Clone, Debug, Args)]
pub struct DeadListArgs {
    /// Which part of the list.
    #[command(flatten)]
    pub page: PageArgs,

    /// List those that were replayed, too.
    #[arg(long)]
    pub all: bool,

    /// Only those refused for this reason, as docs/report-format.md names them.
    #[arg(long, value_name = "REASON", value_parser = reason)]
    pub reason: Option<Reason>,

    /// Only those from this file, as it was named when it was ingested (`-`: standard input), or from this topic.
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,

    /// The store that is read.
    #[command(flatten)]
    pub store: StoreArgs,

    /// How to answer.
    #[arg(long, value_name = "FORMAT", default_value = "table", env = "LINKLOOM_OUTPUT")]
    pub output: OutputFormat,
}

/// `dead replay`
#[derive(Clone, Debug, Args)]
pub struct DeadReplayArgs {
    /// Ids as `dead list` prints them.
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub ids: Vec<String>,

    /// All dead letters that were not replayed yet.
    #[arg(long, conflicts_with = "ids")]
    pub all: bool,

    /// The store that is written.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `unlinked ...`
#[derive(Clone, Debug, Subcommand)]
pub enum UnlinkedCommand {
    /// Services and traces that have reports without a link mark; with --trace or --service those reports.
    ///
    /// Reports that carry a trace id are shown in every execution that carries the same one. Exit code 1 if the trace or
    /// service has none.
    #[command(after_help = "Examples:\n  linkloom unlinked list --store S\n  \
        linkloom unlinked list --store S --trace 4bf92f3577b34da6a3ce929d0e0e4736\n  \
        linkloom unlinked list --store S --service content-api --output json")]
    List(UnlinkedListArgs),
}

/// `unlinked list`
#[derive(Clone, Debug, Args)]
pub struct UnlinkedListArgs {
    /// The reports of this trace.
    #[arg(long, value_name = "TRACE", conflicts_with = "service")]
    pub trace: Option<String>,

    /// The reports of this service that carry no trace id either; the empty text: those that name no service.
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,

    /// Which part of the list.
    #[command(flatten)]
    pub page: PageArgs,

    /// The store that is read.
    #[command(flatten)]
    pub store: StoreArgs,

    /// How to answer.
    #[arg(long, value_name = "FORMAT", default_value = "table", env = "LINKLOOM_OUTPUT")]
    pub output: OutputFormat,
}

/// `hbase ...`
#[derive(Clone, Debug, Subcommand)]
pub enum HbaseCommand {
    /// Print the script for the HBase shell that makes namespace and tables for production: split beforehand, encoded,
    /// with a TTL from `store.retention_days`.
    ///
    /// Nothing is connected to.
    #[command(
        after_help = "Example:\n  linkloom hbase ddl --regions 64 --compression snappy > tables.rb && hbase shell -n tables.rb"
    )]
    Ddl(HbaseDdlArgs),

    /// Make the tables that are missing, through the Thrift gateway: for tests and small set-ups.
    ///
    /// They have one region each and no block encoding, and a namespace has to be there. Tables that are there are left as
    /// they are.
    #[command(after_help = "Example:\n  linkloom hbase init --hbase 127.0.0.1:9090")]
    Init(HbaseInitArgs),

    /// Compare the tables with what they should be: tables, families, TTL, versions.
    ///
    /// Exit code 1 if something differs; all of it is named.
    #[command(after_help = "Example:\n  linkloom hbase check --config linkloom.toml")]
    Check(HbaseGatewayArgs),
}

/// Which HBase.
#[derive(Clone, Debug, Args)]
pub struct HbaseGatewayArgs {
    /// Its Thrift gateways, over `[hbase] gateways` of the configuration.
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',', env = "LINKLOOM_HBASE", value_parser = host_and_port)]
    pub hbase: Vec<String>,
}

/// `hbase ddl`
#[derive(Clone, Debug, Args)]
pub struct HbaseDdlArgs {
    /// Regions of the tables whose rows begin with a salt, 1 to 256.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub regions: u32,

    /// Codec of the files; every region server needs it.
    #[arg(long, value_name = "CODEC", default_value = "none")]
    pub compression: CompressionArg,
}

/// `hbase init`
#[derive(Clone, Debug, Args)]
pub struct HbaseInitArgs {
    /// Which HBase.
    #[command(flatten)]
    pub gateways: HbaseGatewayArgs,

    /// Codec of the files; every region server needs it.
    #[arg(long, value_name = "CODEC", default_value = "none")]
    pub compression: CompressionArg,
}

/// Codec of HBase's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CompressionArg {
    /// None: packs are compressed already.
    None,
    /// gzip: slow, and there everywhere.
    Gz,
    /// Snappy.
    Snappy,
    /// LZ4.
    Lz4,
    /// Zstandard.
    Zstd,
}

/// `config ...`
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check a configuration file, with the environment of this process over it; lists all problems.
    ///
    /// Exit code 1 if there is one.
    #[command(after_help = "Example:\n  linkloom config check linkloom.toml")]
    Check {
        /// The file, TOML.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },

    /// Print the configuration in effect, as TOML with a comment for every key.
    #[command(after_help = "Examples:\n  linkloom config print > linkloom.toml\n  \
        LINKLOOM__FLUSH__DELAY_MS=100 linkloom config print --config linkloom.toml")]
    Print,
}

/// `bench ...`
#[derive(Clone, Debug, Subcommand)]
pub enum BenchCommand {
    /// Write made-up reports to a file; the same seed gives the same bytes.
    #[command(after_help = "Example:\n  linkloom bench generate --reports 1000000 --out reports.ndjson")]
    Generate(BenchGenerateArgs),

    /// Everything that is measured, one after the other.
    All(BenchAllArgs),

    /// From a topic to a durable store, beside draining the topic without a look at it.
    ///
    /// Makes the topic and fills it with made-up reports if it is not there.
    #[command(after_help = "Example:\n  linkloom bench kafka --brokers 127.0.0.1:9092 --reports 2000000")]
    Kafka(BenchKafkaArgs),
}

/// `bench kafka`
#[derive(Clone, Debug, Args)]
pub struct BenchKafkaArgs {
    /// Which reports.
    #[command(flatten)]
    pub workload: WorkloadArgs,

    /// Which Kafka.
    #[command(flatten)]
    pub kafka: KafkaArgs,

    /// The topic; named after the workload if absent.
    #[arg(long, value_name = "TOPIC")]
    pub topic: Option<String>,

    /// Partitions of the topic, if it is made.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub partitions: u32,

    /// Key the records by link mark, so that an execution is in one partition.
    #[arg(long)]
    pub keyed: bool,

    /// Read it into new tables in HBase instead, through these Thrift gateways; they are dropped afterwards, but for those of `--pace`.
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',', value_parser = host_and_port)]
    pub hbase: Vec<String>,

    /// Tell the processor time of these processes, too, such as the gateway and HBase.
    #[arg(long, value_name = "PID", value_delimiter = ',')]
    pub pids: Vec<u32>,

    /// Fill a new topic at so many reports a second while it is read, and tell how soon they are readable.
    #[arg(long, value_name = "REPORTS_PER_SECOND", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub pace: Option<u32>,

    /// Only fill it.
    #[arg(long, hide = true, requires = "pace")]
    pub fill_only: bool,

    /// How often the topic is read into a new store.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: u32,

    /// The folder for stores; a temporary one, removed at the end, if absent.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// The made-up workload.
#[derive(Clone, Debug, Args)]
pub struct WorkloadArgs {
    /// How many reports.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub reports: u64,

    /// What the reports are drawn from.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub seed: u64,
}

/// `bench generate`
#[derive(Clone, Debug, Args)]
pub struct BenchGenerateArgs {
    /// Which reports.
    #[command(flatten)]
    pub workload: WorkloadArgs,

    /// The file that is written; `-` is stdout.
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub out: PathBuf,
}

/// `bench all`
#[derive(Clone, Debug, Args)]
pub struct BenchAllArgs {
    /// Which reports.
    #[command(flatten)]
    pub workload: WorkloadArgs,

    /// The folder for files and stores; a temporary one, removed at the end, if absent.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,

    /// Only these parts, separated by commas.
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    pub only: Vec<BenchPart>,

    /// How long the live part runs, in seconds.
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub live_seconds: u64,
}

/// A part of `bench all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BenchPart {
    /// Reading, decoding, file to store, size on disk, and answers.
    Load,
    /// Reports at 12,500 a second: how soon they can be read.
    Live,
    /// A page of a node with a million logs.
    Logs,
    /// A million executions open at once.
    Windows,
}

fn reason(text: &str) -> Result<Reason, String> {
    Reason::from_label(text).ok_or_else(|| {
        let allowed: Vec<&str> = Reason::ALL.into_iter().map(Reason::as_str).collect();
        format!("allowed is one of {}", allowed.join(", "))
    })
}

fn log_filter(text: &str) -> Result<String, String> {
    if crate::config::is_log_filter(text) {
        Ok(text.to_owned())
    } else {
        Err("allowed is a level (error, warn, info, debug, trace, off), or levels by part such as \
             \"info,linkloom_storage=debug\""
            .to_owned())
    }
}

fn host_and_port(text: &str) -> Result<String, String> {
    match crate::config::is_host_and_port(text) {
        true => Ok(text.to_owned()),
        false => Err(format!("{text:?} is not HOST:PORT")),
    }
}

/// An offset or an instant.
pub(crate) fn bound(text: &str) -> Result<Bound, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let offset = text.parse().ok().filter(|offset| *offset <= i64::MAX as u64);
        return offset.map(Bound::Offset).ok_or_else(|| format!("{text} is no offset, it is too large"));
    }
    time(text).map(Bound::Time).map_err(|why| format!("{why}; a number is an offset"))
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse::<f64>().ok().filter(|speed| speed.is_finite() && *speed >= 0.0);
    speed.ok_or_else(|| format!("{text:?} is no speed; allowed is 0 or a number above it, such as 10 or 0.5"))
}

/// A number with a unit: `500ms`, `30s`, `5m`, `2h`; a number alone is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let allowed = || {
        format!(
            "{text:?} is not a duration; allowed is a number of seconds, or one with ms, s, m or h, such as 500ms"
        )
    };
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| allowed())?;
    let unit_ms = match unit {
        "ms" => 1,
        "s" | "" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(allowed()),
    };
    number.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(allowed)
}

/// An instant: RFC 3339, or a date, which is its first instant in UTC.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    let instant = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let date = text.parse::<jiff::civil::Date>().ok()?;
        // A date followed by a time without an offset would parse as a date as well, without its time.
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        plain.then(|| date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|start| start.timestamp()))?
    });
    let instant = instant.map(|instant| Timestamp(instant.as_microsecond()));
    instant.filter(|time| (Timestamp::MIN_SANE..=Timestamp::MAX_SANE).contains(time)).ok_or_else(|| {
        let without_offset = instant.is_none() && text.parse::<jiff::civil::DateTime>().is_ok();
        if without_offset && text.contains([':', 'T', 't']) {
            return format!("{text:?} has no offset; put Z (for UTC) or one such as +02:00 behind it");
        }
        format!("{text:?} is not a time; allowed is RFC 3339 such as 2026-11-21T10:00:00Z, or a date, from 2000 to 2099")
    })
}

/// `+02:00`, `-0530`, `Z`: seconds east of UTC.
pub(crate) fn utc_offset_secs(text: &str) -> Result<i32, String> {
    let allowed =
        || format!("{text:?} is not an offset; allowed is Z or a form such as +02:00, up to 14 hours");
    if text.eq_ignore_ascii_case("z") {
        return Ok(0);
    }
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'+') => (1, &text[1..]),
        Some(b'-') => (-1, &text[1..]),
        _ => return Err(allowed()),
    };
    let digits = match digits.as_bytes() {
        [_, _, b':', _, _] => digits.replace(':', ""),
        _ => digits.to_owned(),
    };
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(allowed());
    }
    let number: i32 = digits.parse().map_err(|_| allowed())?;
    let (hours, minutes) = (number / 100, number % 100);
    let seconds = hours * 3_600 + minutes * 60;
    if minutes < 60 && seconds <= 14 * 3_600 { Ok(sign * seconds) } else { Err(allowed()) }
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !byte.is_ascii_control() || *byte == b'\t' => Ok(*byte),
        _ if text == "tab" || text == "\\t" => Ok(b'\t'),
        _ => Err(format!("{text:?} is not a delimiter; allowed is one ASCII character or `tab`")),
    }
}

#[cfg(test)]
mod tests;
