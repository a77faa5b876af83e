-- One row per CloudEvent, in the order of the lines. A line is the letter B (a batch) or S (one event)
-- and its JSON. statements.py fills in the marks.
with
    (k -> /*read*/) as is_read,
    (raw -> multiIf(startsWith(raw, '"'), JSONExtractString(raw), raw = 'null', '', raw)) as text,
    (raw -> if(startsWith(raw, '['), arrayMap(e -> text(e), JSONExtractArrayRaw(raw)), [text(raw)])) as texts,
    (raw -> startsWith(raw, '{') or match(raw, '^\\[.*[\\[{]')) as irregular,
    (pairs -> concat('{', arrayStringConcat(arraySort(
        arrayMap(p -> concat(toJSONString(p.1), ':', p.2), pairs)), ','), '}')) as object,
    (keys -> length(arrayDistinct(keys)) != length(keys)) as repeated,
    (content -> reinterpretAsUInt64(substring(SHA256(content), 1, 8))) as hash,
    (content -> lower(hex(substring(SHA256(content), 1, 16)))) as id,
    (digits -> if(match(digits, '[^0]'), digits, '')) as unless_zero
select
    entry,
    origin as service,
    trace_id,
    '' as span_id,
    parent_span_id,
    type as name,
    toUInt64(0) as started,
    toUInt64(0) as ended,
    time,
    'unset' as outcome,
    '' as message,
    written as attributes,
    cast([], 'Array(String)') as span_links,
    sampled,
    cast(arrayMap(p -> (p.1, p.2, texts(p.2)), arrayFilter(p -> is_read(p.1), pairs)),
        'Array(Tuple(key String, json String, texts Array(String)))') as picks,
    id(concat('event|', sender, '|', origin, '|', event_id)) as fact_id,
    hash(arrayStringConcat([
        toJSONString(origin), toJSONString(event_id), toJSONString(type), toJSONString(time),
        trace_id, parent_span_id, if(sampled, 'sampled', ''), written], '\n')) as content_hash,
    '' as fault,
    toBool(unclear) as left_over
from
(
    select
        entry, sender,
        JSONExtractString(event, 'id') as event_id,
        JSONExtractString(event, 'source') as origin,
        JSONExtractString(event, 'type') as type,
        JSONExtractString(event, 'time') as time,
        extractGroups(JSONExtractString(event, 'traceparent'), '/*traceparent*/') as parent,
        unless_zero(parent[1]) as trace_id,
        if(trace_id = '', '', unless_zero(parent[2])) as parent_span_id,
        match(JSONExtractString(event, 'tracestate'), '/*sampled*/') as sampled,
        JSONExtractKeysAndValuesRaw(event) as envelope,
        JSONType(event, 'data') as data_type,
        multiIf(
            data_type = 'Object', JSONExtractKeysAndValuesRaw(event, 'data'),
            data_type = 'Null', [],
            [('data', JSONExtractRaw(event, 'data'))]) as data,
        arrayConcat(
            data,
            arrayFilter(p -> p.1 not in (/*context*/) and not has(data.1, p.1), envelope)) as pairs,
        object(pairs) as written,
        event_id = '' or origin = '' or type = '' or has(envelope.1, 'data_base64')
            or repeated(envelope.1) or repeated(data.1)
            or arrayExists(p -> irregular(p.2), pairs) as unclear
    from
    (
        select
            entry, /*sender*/ as sender,
            arrayJoin(multiIf(
                not isValidJSON(body), [''],
                startsWith(line, 'S'), [body],
                JSONType(body) = 'Array', JSONExtractArrayRaw(body),
                [''])) as event
        from (select rowNumberInAllBlocks() as entry, line, substring(line, 2) as body
            from file('{file}', 'LineAsString', 'line String'))
    )
)
settings max_threads = 1, output_format_json_escape_forward_slashes = 0
