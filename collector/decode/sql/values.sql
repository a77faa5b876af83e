    -- One way of writing attribute values as JSON; canonical.py is its twin.
    (k -> /*read*/) as is_read,
    (k -> /*inherited*/) as is_inherited,
    (d -> multiIf(isNaN(d), 'NaN', isInfinite(d), if(d > 0, 'Infinity', '-Infinity'), toString(d))) as number,
    (v -> multiIf(
        v.string_value is not null, assumeNotNull(v.string_value),
        v.int_value is not null, toString(assumeNotNull(v.int_value)),
        v.bool_value is not null, if(assumeNotNull(v.bool_value), 'true', 'false'),
        v.double_value is not null, number(assumeNotNull(v.double_value)),
        v.bytes_value is not null, base64Encode(assumeNotNull(v.bytes_value)),
        '')) as text,
    (v -> multiIf(
        v.string_value is not null, toJSONString(assumeNotNull(v.string_value)),
        v.int_value is not null, toString(assumeNotNull(v.int_value)),
        v.bool_value is not null, if(assumeNotNull(v.bool_value), 'true', 'false'),
        v.double_value is not null, if(isFinite(assumeNotNull(v.double_value)),
            toString(assumeNotNull(v.double_value)),
            concat('"', number(assumeNotNull(v.double_value)), '"')),
        v.bytes_value is not null, concat('"', base64Encode(assumeNotNull(v.bytes_value)), '"'),
        'null')) as scalar,
    (v -> if(empty(v.array_value.values), scalar(v), concat(
        '[', arrayStringConcat(arrayMap(e -> scalar(e), v.array_value.values), ','), ']'))) as json,
    (v -> if(empty(v.array_value.values), [text(v)], arrayMap(e -> text(e), v.array_value.values))) as texts,
    -- What these columns cannot tell apart or reach: maps, arrays in arrays, several values at once.
    (v -> (v.string_value is not null) + (v.int_value is not null) + (v.bool_value is not null)
        + (v.double_value is not null) + (v.bytes_value is not null)
        + notEmpty(v.array_value.values) + 2 * (v.kvlist_value is not null) > 1
        or arrayExists(e -> e.array_value is not null or e.kvlist_value is not null,
            v.array_value.values)) as irregular,
    (pairs -> concat('{', arrayStringConcat(arraySort(
        arrayMap(p -> concat(toJSONString(p.1), ':', p.2), pairs)), ','), '}')) as object,
    (picked -> arrayMap(a -> (a.key, json(a.value), texts(a.value)), picked)) as readings,
    (keys -> length(arrayDistinct(keys)) != length(keys)) as repeated,
    (content -> reinterpretAsUInt64(substring(SHA256(content), 1, 8))) as hash,
    (content -> lower(hex(substring(SHA256(content), 1, 16)))) as id,
    (bytes -> if(bytes = repeat(unhex('00'), length(bytes)), '', lower(hex(bytes)))) as hexadecimal
