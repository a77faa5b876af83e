                written(arrayFilter(a -> a.key in (/*inherited*/, 'service.name'), rs.resource.attributes)) as told,
                text(arrayFirst(p -> p.1 = 'service.name', told).2) as service,
                arrayFilter(p -> p.1 in (/*inherited*/), told) as inherited,
                repeated(told) as retold
