"""Extracts the AWS provider's published schema, of what the module uses, into aws_schema.json.

The schema is in the npm package @cdktf/provider-aws, which is generated from what the provider
answers to `terraform providers schema`. The output has the form of that command's `-json`. The
package does not tell which optional attributes are computed as well, so all of them are said to be.

    python3 tests/deploy/extract_schema.py PACKAGE_DIRECTORY aws_ecs_service data.aws_region ...
"""

import json
import pathlib
import re
import sys

SIMPLE = {"string": "string", "number": "number", "boolean": "bool"}
GETTERS = {
    "String": "string",
    "Number": "number",
    "Boolean": "bool",
    "List": ["list", "string"],
    "StringMap": ["map", "string"],
}
FIELD = re.compile(
    r"(\w+): \{\s+value: (.*),\s+isBlock: (\w+),\s+"
    r'type: "(\w+)",\s+storageClassType: "(\w+)",\s+\}'
)
COMPUTED = re.compile(
    r"// (\w+) - computed: true, optional: false, required: false\s+get \w+\(\) \{\s+"
    r"return (?:cdktf\.Fn\.tolist\()?this\.get(\w+)Attribute\("
)


def camel(name):
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def fields_of(source, start):
    """The fields of the function that a marker begins."""
    begin = source.index(start)
    return FIELD.findall(source, begin, source.index("Object.fromEntries", begin))


def required_of(types, interface):
    body = re.search(rf"export interface {interface} .*?\n}}", types, re.DOTALL)[0]
    return {match[1]: match[2] == "" for match in re.finditer(r"readonly (\w+)(\??):", body)}


def block_of(source, types, interface, fields):
    required = required_of(types, interface)
    block = {"attributes": {}, "block_types": {}}
    for name, value, is_block, kind, storage in fields:
        needed = required.get(camel(name), False)
        if is_block == "true":
            nested = storage.removesuffix("List")
            start = f"function {nested[0].lower()}{nested[1:]}ToHclTerraform("
            one = "listMapperHcl" not in value
            block["block_types"][name] = {
                "nesting_mode": "single" if kind == "struct" else kind,
                "block": block_of(source, types, nested, fields_of(source, start)),
                "min_items": int(needed and kind != "struct"),
                "max_items": int(one and kind != "struct"),
            }
        else:
            element = storage.removesuffix("List").removesuffix("Map")
            cty = SIMPLE[storage] if kind == "simple" else [kind, SIMPLE[element]]
            block["attributes"][name] = {"type": cty} | (
                {"required": True} if needed else {"optional": True, "computed": True}
            )
    return block


def schema_of(package, address):
    """The schema of `aws_ecs_service`, `data.aws_region` or `provider`."""
    is_data = address.startswith("data.")
    name = address.removeprefix("data.").removeprefix("aws_")
    folder = package / "lib" / (("data-aws-" if is_data else "") + name.replace("_", "-"))
    source = (folder / "index.js").read_text()
    types = (folder / "index.d.ts").read_text()
    interface = re.search(r"export interface (\w+Config) ", types)[1]
    block = block_of(source, types, interface, fields_of(source, "synthesizeHclAttributes()"))
    resource_class = re.search(r"class \w+ extends cdktf.Terraform(Resource|DataSource|Provider) ", source)
    for attribute, getter in COMPUTED.findall(source, resource_class.start()):
        block["attributes"][attribute] = {"type": GETTERS[getter], "computed": True}
    return {"version": 0, "block": block}


def main():
    package = pathlib.Path(sys.argv[1])
    data, resources = [], []
    for address in sys.argv[2:]:
        (data if address.startswith("data.") else resources).append(address)
    schema = {
        "provider": json.loads((package / "package.json").read_text())["cdktf"]["provider"],
        "provider_schema": schema_of(package, "provider"),
        "resource_schemas": {name: schema_of(package, name) for name in resources},
        "data_source_schemas": {
            name.removeprefix("data."): schema_of(package, name) for name in data
        },
    }
    target = pathlib.Path(__file__).with_name("aws_schema.json")
    target.write_text(json.dumps(schema, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
