-- One row per span, in the order of the requests. statements.py fills in the marks.
with
/*values*/,
/*pairs*/
select
    entry,
    service,
    trace_id,
    span_id,
    parent_span_id,
    '' as traceparent,
    if(readable, s.trace_state, '') as trace_state,
    if(readable, s.name, '') as name,
    s.start_time_unix_nano as started,
    s.end_time_unix_nano as ended,
    '' as time,
    s.status.code as code,
    if(readable, said, '') as message,
    if(readable, attributes, '') as attributes,
    span_links,
    cast(if(readable, readings(pairs), []), '/*picks*/') as picks,
    lower(hex(substring(SHA256(concat('span|', sender, '|', trace_id, '|', span_id)), 1, 16))) as fact_id,
    reinterpretAsUInt64(substring(SHA256(content), 1, 8)) as content_hash,
    '' as fault,
    toBool(retold or repeated(pairs) or position(attributes, '\x01') > 0 or not readable) as left_over
from
(
    select
        *,
        arrayStringConcat([
            toJSONString(service), trace_id, span_id, parent_span_id, toJSONString(s.trace_state),
            toJSONString(s.name), toString(s.start_time_unix_nano), toString(s.end_time_unix_nano),
            toString(s.status.code), toJSONString(said), arrayStringConcat(span_links, ','), attributes
        ], '\n') as content,
        isValidUTF8(content) as readable
    from
    (
        select
            entry, sender, service, s, pairs, retold,
            lower(hex(s.trace_id)) as trace_id,
            lower(hex(s.span_id)) as span_id,
            lower(hex(s.parent_span_id)) as parent_span_id,
            if(s.status.message != '', s.status.message, arrayFirst(m -> m != '', arrayMap(
                e -> arrayFirst(a -> a.key = 'exception.message', e.attributes).value.string_value,
                s.events))) as said,
            arrayMap(l -> concat(lower(hex(l.trace_id)), ':', lower(hex(l.span_id))), s.links) as span_links,
            object(pairs) as attributes
        from
        (
            select
                *,
                s.attributes.key as keys,
                written(s.attributes) as own,
                if(empty(inherited), own, arrayConcat(own, arrayFilter(p -> not has(keys, p.1), inherited))) as pairs
            from
            (
                select entry, sender, service, inherited, retold, arrayJoin(ss.spans) as s
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
)
settings /*settings*/, format_schema = '/*schema*/:Traces'
