-- One row per span, in the order of the requests. statements.py fills in the marks.
with
/*values*/
select
    entry,
    service,
    trace_id,
    span_id,
    parent_span_id,
    if(readable, s.name, '') as name,
    s.start_time_unix_nano as started,
    s.end_time_unix_nano as ended,
    '' as time,
    outcome,
    if(readable, said, '') as message,
    if(readable, written, '{}') as attributes,
    span_links,
    sampled,
    if(readable, cast(read, 'Array(Tuple(key String, json String, texts Array(String)))'), []) as picks,
    id(concat('span|', sender, '|', trace_id, '|', span_id)) as fact_id,
    hash(content) as content_hash,
    '' as fault,
    toBool(unclear or not readable) as left_over
from
(
    select
        *,
        arrayStringConcat([
            toJSONString(service), trace_id, span_id, parent_span_id, toJSONString(s.name),
            toString(s.start_time_unix_nano), toString(s.end_time_unix_nano), outcome,
            toJSONString(said), arrayStringConcat(span_links, ','), if(sampled, 'sampled', ''),
            written], '\n') as content,
        isValidUTF8(content) as readable
    from
    (
        select
            entry, sender, service, s,
            hexadecimal(s.trace_id) as trace_id,
            hexadecimal(s.span_id) as span_id,
            hexadecimal(s.parent_span_id) as parent_span_id,
            multiIf(s.status.code = 2, 'error', s.status.code = 1, 'ok', 'unset') as outcome,
            if(s.status.message != '', s.status.message, arrayFirst(m -> m != '', arrayMap(
                e -> arrayFirst(a -> a.key = 'exception.message', e.attributes).value.string_value,
                s.events))) as said,
            arrayMap(l -> concat(lower(hex(l.trace_id)), ':', lower(hex(l.span_id))), s.links) as span_links,
            match(s.trace_state, '/*sampled*/') as sampled,
            s.attributes.key as keys,
            arrayFilter(i -> not has(keys, i.1), inherited) as carried,
            arrayConcat(readings(arrayFilter(a -> is_read(a.key), s.attributes)), carried) as read,
            object(arrayConcat(
                arrayMap(a -> (a.key, json(a.value)), s.attributes),
                arrayMap(i -> (i.1, i.2), carried))) as written,
            resource_unclear or repeated(keys)
                or arrayExists(a -> irregular(a.value), s.attributes) as unclear
        from
        (
            select entry, sender, service, inherited, resource_unclear, arrayJoin(ss.spans) as s
            from
            (
                select
                    entry, sender, arrayJoin(rs.scope_spans) as ss,
                    /*resource*/
                from (select entry, /*sender*/ as sender, arrayJoin(resource_spans) as rs
                    from (select rowNumberInAllBlocks() as entry, resource_spans
                        from file('{file}', 'Protobuf', '/*structure*/')))
            )
        )
    )
)
settings format_schema = '/*schema*/:Traces', max_threads = 1, output_format_json_escape_forward_slashes = 0
