                    arrayFilter(a -> is_inherited(a.key), rs.resource.attributes) as handed_down,
                    readings(handed_down) as inherited,
                    arrayFirst(a -> a.key = 'service.name', rs.resource.attributes).value as service_value,
                    text(service_value) as service,
                    repeated(rs.resource.attributes.key) or irregular(service_value)
                        or arrayExists(a -> irregular(a.value), handed_down) as resource_unclear
