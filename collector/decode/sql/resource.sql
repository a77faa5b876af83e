                written(arrayFilter(
                    a -> a.key = 'service.name' or has(cast([/*inherited*/], 'Array(String)'), a.key),
                    rs.resource.attributes)) as told,
                text(arrayFirst(p -> p.1 = 'service.name', told).2) as service,
                arrayFilter(p -> has(cast([/*inherited*/], 'Array(String)'), p.1), told) as inherited,
                repeated(told) or position(service, '\x01') > 0 as retold
