    -- One way of writing values as JSON; canonical.py is its twin. Where columns cannot reach (maps, arrays
    -- in arrays) it writes \x01, which no JSON text holds: such requests are left to the reference.
    (v -> assumeNotNull(multiIf(
        v.string_value is not null, toJSONString(v.string_value),
        v.int_value is not null, toJSONString(v.int_value),
        v.bool_value is not null, toJSONString(v.bool_value),
        v.double_value is not null, toJSONString(v.double_value),
        v.bytes_value is not null, toJSONString(base64Encode(v.bytes_value)),
        v.kvlist_value is not null, '\x01',
        'null'))) as scalar,
    (v -> if(empty(v.array_value.values), scalar(v), concat('[', arrayStringConcat(arrayMap(
        e -> if(e.array_value is null, scalar(e), '\x01'), v.array_value.values), ','), ']'))) as json,
    (found -> arrayMap(a -> (a.key, json(a.value)), found)) as written
