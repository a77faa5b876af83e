-- The telemetry store: an index over the log that can be rebuilt from it at any time.
-- Every table is a ReplacingMergeTree whose last row by version wins, so repeating a batch changes
-- nothing; readers use FINAL. Instants are UTC nanoseconds. A projection finds keys by what the table is
-- not sorted by, those of superseded rows too: readers look the keys up with FINAL afterwards.

-- One row per fact version. `earliness` falls as receipt grows, so the earliest receipt is kept.
-- `identifiers` are those the fact names itself, as `type:namespace:value`; `payload` repeats, as one
-- JSON object, those attributes that definitions read.
CREATE TABLE IF NOT EXISTS facts (
    trace_id         String,
    fact_id          String,
    mapping_revision UInt32,
    content_hash     UInt64,
    kind             LowCardinality(String),
    source           LowCardinality(String),
    system           LowCardinality(String),
    name             LowCardinality(String),
    span_id          String,
    parent_span_id   String,
    occurred_at      Nullable(DateTime64(9, 'UTC')),
    ended_at         Nullable(DateTime64(9, 'UTC')),
    at               Nullable(DateTime64(9, 'UTC')),
    plausible        Bool,
    outcome          LowCardinality(String),
    message          String,
    attributes       String CODEC(ZSTD(1)),
    span_links       Array(String),
    annotations      Array(LowCardinality(String)),
    received_at      DateTime64(9, 'UTC'),
    partition        UInt16,
    offset           UInt64,
    ordinal          UInt32,
    payload          String CODEC(ZSTD(1)),
    identifiers      Array(String),
    earliness        UInt64 DEFAULT 18446744073709551615 - toUInt64(toUnixTimestamp64Nano(received_at)),
    INDEX by_fact fact_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = ReplacingMergeTree(earliness)
PARTITION BY toYYYYMM(received_at)
ORDER BY (trace_id, fact_id, mapping_revision, content_hash)
SETTINGS /*by key*/, /*durable*/;

-- Which fact speaks of which identifier, by itself (`own`) or by inheritance (`ancestor`, `trace`, `link`;
-- `origin` then is the fact it was taken from). `of` is how many identifiers the fact speaks of, not
-- counting those that never link; these, where the fact names some itself, are `beside`. Everything here
-- follows from the facts of one trace. What a thread shows of a fact is repeated here, where a
-- contract's facts lie together; in `facts` each lies elsewhere.
CREATE TABLE IF NOT EXISTS mentions (
    object_type  LowCardinality(String),
    namespace    LowCardinality(String),
    value        String,
    fact_id      String,
    trace_id     String,
    content_hash UInt64,
    how          LowCardinality(String),
    origin       String,
    of           UInt16,
    kind         LowCardinality(String),
    source       LowCardinality(String),
    system       LowCardinality(String),
    name         LowCardinality(String),
    outcome      LowCardinality(String),
    message      String,
    at           Nullable(DateTime64(9, 'UTC')),
    occurred_at  Nullable(DateTime64(9, 'UTC')),
    ended_at     Nullable(DateTime64(9, 'UTC')),
    plausible    Bool,
    sampled      Bool,
    span_id      String,
    parent_span_id String,
    annotations  Array(LowCardinality(String)),
    beside       Array(String),
    payload      String CODEC(ZSTD(1)),
    received_at  DateTime64(9, 'UTC'),
    generation   UInt64,
    deleted      UInt8,
    INDEX by_fact fact_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_lower lower(value) TYPE minmax GRANULARITY 8
) ENGINE = ReplacingMergeTree(generation, deleted)
ORDER BY (object_type, namespace, value, fact_id)
SETTINGS /*by key*/, /*together*/, /*durable*/;

-- Facts that speak of nobody. `how` is `shared` for those of a trace that names too many, else `none`.
CREATE TABLE IF NOT EXISTS unattributed (
    source      LowCardinality(String),
    fact_id     String,
    trace_id    String,
    how         LowCardinality(String),
    received_at DateTime64(9, 'UTC'),
    generation  UInt64,
    deleted     UInt8
) ENGINE = ReplacingMergeTree(generation, deleted)
ORDER BY (source, fact_id)
SETTINGS /*by key*/, /*durable*/;

-- Evidence that ties two identifiers over a stretch of event time, folded per pair and stretch: `at`,
-- `fact_id` and `mastered` are those of the best evidence; `void` says who withdrew it. The stretch is `[valid_from, valid_to)`, from 1970
-- and to the last instant where nothing says otherwise. `state` is held, conflict or retracted; `reason` says
-- why it is not held.
CREATE TABLE IF NOT EXISTS links (
    kind             LowCardinality(String),
    child_type       LowCardinality(String),
    child_namespace  LowCardinality(String),
    child_value      String,
    parent_type      LowCardinality(String),
    parent_namespace LowCardinality(String),
    parent_value     String,
    valid_from       DateTime64(9, 'UTC') DEFAULT toDateTime64(0, 9, 'UTC'),
    valid_to         DateTime64(9, 'UTC') DEFAULT fromUnixTimestamp64Nano(9223372036854775807, 'UTC'),
    at               Nullable(DateTime64(9, 'UTC')),
    fact_id          String,
    system           LowCardinality(String),
    mastered         Bool,
    plausible        Bool,
    void             String,
    state            LowCardinality(String),
    reason           String,
    generation       UInt64,
    deleted          UInt8,
    PROJECTION by_parent (
        SELECT kind, child_type, child_namespace, child_value, parent_type, parent_namespace, parent_value
        ORDER BY parent_type, parent_namespace, parent_value)
) ENGINE = ReplacingMergeTree(generation, deleted)
ORDER BY (kind, child_type, child_namespace, child_value, parent_type, parent_namespace, parent_value,
    valid_from, valid_to)
SETTINGS /*by key*/, deduplicate_merge_projection_mode = 'rebuild', /*durable*/;

-- Which traces link to spans of which: a trace that arrives later completes those that wait for it.
CREATE TABLE IF NOT EXISTS trace_links (
    target_trace_id String,
    trace_id        String
) ENGINE = ReplacingMergeTree
ORDER BY (target_trace_id, trace_id)
SETTINGS /*by key*/, /*durable*/;

-- Roots that lost something in a batch. A batch that is repeated after a crash finds its own results
-- stored and could not tell any more what had been elsewhere before.
CREATE TABLE IF NOT EXISTS touched_roots (
    root_id    String,
    generation UInt64
) ENGINE = ReplacingMergeTree(generation)
ORDER BY root_id
SETTINGS /*durable*/;

-- What every identifier resolves to. `object_id` and `root_id` are `type:namespace:value` of the object's
-- representative identifier; `root_id` is empty for an orphan.
CREATE TABLE IF NOT EXISTS identifiers (
    object_type LowCardinality(String),
    namespace   LowCardinality(String),
    value       String,
    object_id   String,
    owner_id    String,
    root_id     String,
    generation  UInt64,
    deleted     UInt8,
    PROJECTION by_root (SELECT root_id, object_type, namespace, value ORDER BY root_id),
    PROJECTION by_lower (
        SELECT lower(value), object_type, namespace, value, object_id, owner_id, root_id, generation, deleted
        ORDER BY lower(value))
) ENGINE = ReplacingMergeTree(generation, deleted)
ORDER BY (object_type, namespace, value)
SETTINGS /*by key*/, deduplicate_merge_projection_mode = 'rebuild', /*durable*/;

-- What the few identifiers resolve to that are not always at one place (`identifiers` has where they are
-- as things stand): one row per stretch `[valid_from, valid_to)` of event time, without gaps.
CREATE TABLE IF NOT EXISTS tenures (
    object_type LowCardinality(String),
    namespace   LowCardinality(String),
    value       String,
    valid_from  DateTime64(9, 'UTC'),
    valid_to    DateTime64(9, 'UTC'),
    object_id   String,
    owner_id    String,
    root_id     String,
    generation  UInt64,
    deleted     UInt8
) ENGINE = ReplacingMergeTree(generation, deleted)
ORDER BY (object_type, namespace, value, valid_from)
SETTINGS /*by key*/, /*durable*/;

-- One row per case of a journey. Instants only: states are computed when read. `value` is what the case is
-- worth; `root_value` what its contract is, which several cases share.
CREATE TABLE IF NOT EXISTS cases (
    journey        LowCardinality(String),
    case_id        String,
    root_id        String,
    version        String,
    started_at     DateTime64(9, 'UTC'),
    completed_at   Nullable(DateTime64(9, 'UTC')),
    cancelled_at   Nullable(DateTime64(9, 'UTC')),
    reopened_at    Nullable(DateTime64(9, 'UTC')),
    reopenings     UInt32,
    ended_before_at Nullable(DateTime64(9, 'UTC')),
    ended_before_as LowCardinality(String),
    paused_from    Nullable(DateTime64(9, 'UTC')),
    paused_until   Nullable(DateTime64(9, 'UTC')),
    warn_at        Nullable(DateTime64(9, 'UTC')),
    due_at         Nullable(DateTime64(9, 'UTC')),
    known_at       DateTime64(9, 'UTC'),
    business_seconds Nullable(Float64),
    current_step   LowCardinality(String),
    current_since  Nullable(DateTime64(9, 'UTC')),
    current_due_at Nullable(DateTime64(9, 'UTC')),
    waiting_systems Array(LowCardinality(String)),
    stuck_reason   LowCardinality(String),
    stuck_message  String,
    value          Nullable(Decimal(18, 2)),
    currency       LowCardinality(String),
    root_value     Nullable(Decimal(18, 2)) DEFAULT value,
    root_currency  LowCardinality(String) DEFAULT currency,
    criticality    LowCardinality(String),
    dimensions     String,
    annotations    Array(LowCardinality(String)),
    exceptions     UInt32,
    rework         UInt32,
    facts          UInt32,
    generation     UInt64,
    deleted        UInt8,
    PROJECTION by_root (SELECT root_id, journey, case_id ORDER BY root_id)
) ENGINE = ReplacingMergeTree(generation, deleted)
ORDER BY (journey, case_id)
SETTINGS /*by key*/, deduplicate_merge_projection_mode = 'rebuild', /*durable*/;

-- One row per required or seen step of a case.
CREATE TABLE IF NOT EXISTS steps (
    journey         LowCardinality(String),
    case_id         String,
    step            LowCardinality(String),
    system          LowCardinality(String),
    required        Bool,
    ready_at        Nullable(DateTime64(9, 'UTC')),
    reopened_at     Nullable(DateTime64(9, 'UTC')),
    due_at          Nullable(DateTime64(9, 'UTC')),
    closed_at       Nullable(DateTime64(9, 'UTC')),
    closed_by       String,
    object_id       String,
    first_failed_at Nullable(DateTime64(9, 'UTC')),
    times           Nullable(UInt32) DEFAULT 1,
    done            UInt32,
    failures        UInt32,
    rework          UInt32,
    actor_type      LowCardinality(String),
    message         String,
    sampled         Bool,
    alternative     LowCardinality(String),
    generation      UInt64,
    deleted         UInt8
) ENGINE = ReplacingMergeTree(generation, deleted)
ORDER BY (journey, case_id, step)
SETTINGS /*by key*/, /*durable*/;

CREATE TABLE IF NOT EXISTS exceptions (
    journey    LowCardinality(String),
    case_id    String,
    kind       LowCardinality(String),
    fact_id    String,
    step       LowCardinality(String),
    system     LowCardinality(String),
    at         Nullable(DateTime64(9, 'UTC')),
    message    String,
    generation UInt64,
    deleted    UInt8
) ENGINE = ReplacingMergeTree(generation, deleted)
ORDER BY (journey, case_id, kind, fact_id)
SETTINGS /*by key*/, /*durable*/;

-- Attempts to put a step of a case right: replays and compensations, and whether they succeeded.
CREATE TABLE IF NOT EXISTS remedies (
    journey    LowCardinality(String),
    case_id    String,
    step       LowCardinality(String),
    kind       LowCardinality(String),
    fact_id    String,
    system     LowCardinality(String),
    at         Nullable(DateTime64(9, 'UTC')),
    succeeded  Bool,
    message    String,
    generation UInt64,
    deleted    UInt8
) ENGINE = ReplacingMergeTree(generation, deleted)
ORDER BY (journey, case_id, step, kind, fact_id)
SETTINGS /*by key*/, /*durable*/;

-- What each system says of attributes that have a master: one row per change, from `at` on.
CREATE TABLE IF NOT EXISTS attribute_values (
    root_id    String,
    object_id  String,
    attribute  LowCardinality(String),
    system     LowCardinality(String),
    at         DateTime64(9, 'UTC'),
    mastered   Bool,
    value      String,
    currency   LowCardinality(String),
    fact_id    String,
    generation UInt64,
    deleted    UInt8
) ENGINE = ReplacingMergeTree(generation, deleted)
ORDER BY (root_id, object_id, attribute, system, at)
SETTINGS /*by key*/, /*durable*/;

-- Where a copy differed from its master: one row per stretch in which neither said anything new. The
-- stretches of one mismatch share `since`, `due_at` (it may differ until then) and `until` (null: it
-- differs still).
CREATE TABLE IF NOT EXISTS mismatches (
    root_id         String,
    object_id       String,
    attribute       LowCardinality(String),
    system          LowCardinality(String),
    starts_at       DateTime64(9, 'UTC'),
    ends_at         Nullable(DateTime64(9, 'UTC')),
    since           DateTime64(9, 'UTC'),
    due_at          DateTime64(9, 'UTC'),
    until           Nullable(DateTime64(9, 'UTC')),
    master          LowCardinality(String),
    master_value    String,
    master_currency LowCardinality(String),
    master_at       DateTime64(9, 'UTC'),
    master_fact     String,
    copy_value      String,
    copy_currency   LowCardinality(String),
    copy_at         DateTime64(9, 'UTC'),
    copy_fact       String,
    amount          Bool,
    difference      Nullable(Decimal(18, 2)),
    currency        LowCardinality(String),
    generation      UInt64,
    deleted         UInt8
) ENGINE = ReplacingMergeTree(generation, deleted)
ORDER BY (root_id, object_id, attribute, system, starts_at)
SETTINGS /*by key*/, /*durable*/;

-- What is shown of one contract, facts apart: rows of other tables, written again where they lie together
-- whenever its cases are derived. `identifiers` are those that were ever under it, each while it was.
CREATE TABLE IF NOT EXISTS threads (
    root_id          String,
    identifiers      Array(Tuple(/*of tenures*/)),
    links            Array(Tuple(/*of links*/)),
    cases            Array(Tuple(/*of cases*/)),
    steps            Array(Tuple(/*of steps*/)),
    exceptions       Array(Tuple(/*of exceptions*/)),
    remedies         Array(Tuple(/*of remedies*/)),
    attribute_values Array(Tuple(/*of attribute_values*/)),
    mismatches       Array(Tuple(/*of mismatches*/)),
    generation       UInt64,
    deleted          UInt8
) ENGINE = ReplacingMergeTree(generation, deleted)
ORDER BY root_id
SETTINGS index_granularity = 32, /*together*/, /*durable*/;

-- What could not be understood: kept, counted, seen, and replayable after the mapping is fixed.
CREATE TABLE IF NOT EXISTS dead_letters (
    partition   UInt16,
    offset      UInt64,
    ordinal     UInt32,
    kind        LowCardinality(String),
    source      LowCardinality(String),
    reason      String,
    excerpt     String,
    received_at DateTime64(9, 'UTC'),
    generation  UInt64,
    deleted     UInt8
) ENGINE = ReplacingMergeTree(generation, deleted)
ORDER BY (partition, offset, ordinal)
SETTINGS /*by key*/, /*durable*/;

-- How far the log has been derived, per log partition; moved only after all results are stored.
CREATE TABLE IF NOT EXISTS cursors (
    partition  UInt16,
    offset     UInt64,
    generation UInt64
) ENGINE = ReplacingMergeTree(generation)
ORDER BY partition
SETTINGS /*durable*/;

-- Counts per source that no other table can tell afterwards (re-sent transports leave no second row).
CREATE TABLE IF NOT EXISTS intake_counts (
    partition   UInt16,
    offset      UInt64,
    source      LowCardinality(String),
    requests    UInt64,
    facts       UInt64,
    duplicates  UInt64,
    versions    UInt64,
    last_received_at DateTime64(9, 'UTC'),
    generation  UInt64
) ENGINE = ReplacingMergeTree(generation)
ORDER BY (partition, offset, source)
SETTINGS /*durable*/;

-- What this index was built under; another digest means it has to be rebuilt.
CREATE TABLE IF NOT EXISTS built_under (
    name       String,
    digest     String,
    generation UInt64
) ENGINE = ReplacingMergeTree(generation)
ORDER BY name
SETTINGS /*durable*/;
