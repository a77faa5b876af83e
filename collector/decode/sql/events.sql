-- One row per CloudEvent, in the order of the lines. A line is the letter B (a batch) or S (one event)
-- and its JSON. statements.py fills in the marks.
with
/*pairs*/
select
    entry,
    origin as service,
    '' as trace_id,
    '' as span_id,
    '' as parent_span_id,
    JSONExtractString(event, 'traceparent') as traceparent,
    JSONExtractString(event, 'tracestate') as trace_state,
    type as name,
    toUInt64(0) as started,
    toUInt64(0) as ended,
    time,
    0 as code,
    '' as message,
    attributes,
    cast([], 'Array(String)') as span_links,
    cast(readings(pairs), '/*picks*/') as picks,
    lower(hex(substring(SHA256(concat('event|', sender, '|', origin, '|', id)), 1, 16))) as fact_id,
    reinterpretAsUInt64(substring(SHA256(content), 1, 8)) as content_hash,
    '' as fault,
    -- What is not a string would be extracted as its JSON.
    toBool(id = '' or origin = '' or type = ''
        or JSONType(event, 'id') != 'String' or JSONType(event, 'source') != 'String'
        or JSONType(event, 'type') != 'String' or JSONType(event, 'time') not in ('String', 'Null')
        or JSONType(event, 'traceparent') not in ('String', 'Null')
        or JSONType(event, 'tracestate') not in ('String', 'Null') or has(envelope.1, 'data_base64') or repeated(envelope)
        or repeated(data) or arrayExists(p -> match(p.2, '^({|\\[.*[\\[{])'), pairs)) as left_over
from
(
    select
        *,
        object(pairs) as attributes,
        arrayStringConcat([
            toJSONString(origin), toJSONString(id), toJSONString(type), toJSONString(time), attributes
        ], '\n') as content
    from
    (
        select
            *,
            JSONExtractString(event, 'id') as id,
            JSONExtractString(event, 'source') as origin,
            JSONExtractString(event, 'type') as type,
            JSONExtractString(event, 'time') as time,
            arrayConcat(data, arrayFilter(
                p -> p.1 not in (/*context*/) and not has(data.1, p.1), envelope)) as pairs
        from
        (
            select
                *,
                JSONExtractKeysAndValuesRaw(event) as envelope,
                multiIf(
                    JSONType(event, 'data') = 'Object', JSONExtractKeysAndValuesRaw(event, 'data'),
                    JSONType(event, 'data') = 'Null', [],
                    [('data', JSONExtractRaw(event, 'data'))]) as data
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
    )
)
settings /*settings*/
