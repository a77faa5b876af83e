-- One row per log record, in the order of the requests. statements.py fills in the marks.
with
/*values*/
select
    entry,
    service,
    trace_id,
    '' as span_id,
    parent_span_id,
    if(readable, r.event_name, '') as name,
    started,
    toUInt64(0) as ended,
    '' as time,
    outcome,
    if(readable, said, '') as message,
    if(readable, written, '{}') as attributes,
    cast([], 'Array(String)') as span_links,
    false as sampled,
    if(readable, cast(read, 'Array(Tuple(key String, json String, texts Array(String)))'), []) as picks,
    id(concat('log|', sender, '|', lower(hex(digest)), '|', toString(twin))) as fact_id,
    reinterpretAsUInt64(substring(digest, 1, 8)) as content_hash,
    '' as fault,
    toBool(unclear or not readable) as left_over
from
(
    select *, row_number() over (partition by entry, digest order by place) - 1 as twin
    from
    (
        select
            *,
            arrayStringConcat([
                toJSONString(service), trace_id, parent_span_id, toJSONString(r.event_name),
                toString(started), toString(r.severity_number), json(r.body), written], '\n') as content,
            isValidUTF8(content) as readable,
            SHA256(content) as digest
        from
        (
            select
                entry, sender, service, r,
                rowNumberInAllBlocks() as place,
                if(length(r.trace_id) = 16, hexadecimal(r.trace_id), '') as trace_id,
                if(length(r.span_id) = 8, hexadecimal(r.span_id), '') as parent_span_id,
                if(r.time_unix_nano > 0, r.time_unix_nano, r.observed_time_unix_nano) as started,
                if(r.severity_number >= 17, 'error', 'unset') as outcome,
                if(empty(r.body.array_value.values), text(r.body), json(r.body)) as said,
                r.attributes.key as keys,
                arrayFilter(i -> not has(keys, i.1), inherited) as carried,
                arrayConcat(readings(arrayFilter(a -> is_read(a.key), r.attributes)), carried) as read,
                object(arrayConcat(
                    arrayMap(a -> (a.key, json(a.value)), r.attributes),
                    arrayMap(i -> (i.1, i.2), carried))) as written,
                resource_unclear or repeated(keys) or irregular(r.body)
                    or arrayExists(a -> irregular(a.value), r.attributes) as unclear
            from
            (
                select entry, sender, service, inherited, resource_unclear, arrayJoin(sl.log_records) as r
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
order by place
settings format_schema = '/*schema*/:Logs', max_threads = 1, output_format_json_escape_forward_slashes = 0
