    (raw -> multiIf(startsWith(raw, '"'), JSONExtractString(raw), raw = 'null', '', raw)) as text,
    (pairs -> arrayMap(
        p -> (p.1, p.2, arrayMap(e -> text(e), if(startsWith(p.2, '['), JSONExtractArrayRaw(p.2), [p.2]))),
        arrayFilter(p -> p.1 in (/*read*/), pairs))) as readings,
    (pairs -> concat('{', arrayStringConcat(arraySort(
        arrayMap(p -> concat(toJSONString(p.1), ':', p.2), pairs)), ','), '}')) as object,
    (pairs -> length(arrayDistinct(pairs.1)) != length(pairs)) as repeated
