-- One row per log record, in the order of the requests. statements.py fills in the marks.
with
/*values*/,
/*pairs*/
select
    entry,
    service,
    trace_id,
    '' as span_id,
    parent_span_id,
    '' as traceparent,
    '' as trace_state,
    if(readable, r.event_name, '') as name,
    started,
    toUInt64(0) as ended,
    '' as time,
    r.severity_number as code,
    if(readable, text(body), '') as message,
    if(readable, attributes, '') as attributes,
    cast([], 'Array(String)') as span_links,
    cast(if(readable, readings(pairs), []), '/*picks*/') as picks,
    lower(hex(substring(SHA256(
        concat('log|', sender, '|', lower(hex(digest)), '|', toString(twin))), 1, 16))) as fact_id,
    reinterpretAsUInt64(substring(digest, 1, 8)) as content_hash,
    '' as fault,
    toBool(retold or repeated(pairs) or position(attributes, '\x01') > 0 or position(body, '\x01') > 0
        or not readable) as left_over
from
(
    select *, row_number() over (partition by entry, digest order by place) - 1 as twin
    from
    (
        select
            *,
            arrayStringConcat([
                toJSONString(service), trace_id, parent_span_id, toJSONString(r.event_name),
                toString(started), toString(r.severity_number), body, attributes], '\n') as content,
            isValidUTF8(content) as readable,
            SHA256(content) as digest
        from
        (
            select
                entry, sender, service, r, pairs, retold,
                rowNumberInAllBlocks() as place,
                lower(hex(r.trace_id)) as trace_id,
                lower(hex(r.span_id)) as parent_span_id,
                if(r.time_unix_nano > 0, r.time_unix_nano, r.observed_time_unix_nano) as started,
                json(r.body) as body,
                object(pairs) as attributes
            from
            (
                select
                    *,
                    r.attributes.key as keys,
                    written(r.attributes) as own,
                    if(empty(inherited), own, arrayConcat(own, arrayFilter(p -> not has(keys, p.1), inherited))) as pairs
                from
                (
                    select entry, sender, service, inherited, retold, arrayJoin(sl.log_records) as r
                    from
                    (
                        select
                            entry, sender, arrayJoin(rs.scope_logs) as sl,
                            /*resource*/
                        from (select entry, /*sender*/ as sender, arrayJoin(resource_logs) as rs
                            from (select rowNumberInAllBlocks() as entry, resource_logs
                                from file('{file}', 'Protobuf', '/*structure*/')))
                    )
                )
            )
        )
    )
)
order by place
settings /*settings*/, format_schema = '/*schema*/:Logs'
