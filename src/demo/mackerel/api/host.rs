//! The calls about hosts: what a client sent becomes a stored host, and a stored host becomes JSON.
//! A retired host is still found by its id, is in no list, and refuses to be changed.

use serde_json::{Map, Value, json};

use crate::demo::mackerel::api::check;
use crate::demo::mackerel::call::{Answer, Call, Context};
use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::field::Fields;
use crate::demo::mackerel::option::{DuplicateIdentifiers, HostStatus, UnknownIdentifiers};
use crate::demo::mackerel::rule;
use crate::demo::mackerel::store::host::{self, Case, StoredHost};
use crate::demo::mackerel::store::id;
use crate::demo::mackerel::store::role;
use crate::demo::mackerel::watch;

/// At most this many hosts are in one bulk call.
const BULK_MAX: usize = 30;

/// `POST /hosts`: registers a host and returns its id.
pub fn create(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let fields = Fields::of_body(&body)?;
    let meta = Value::Object(fields.object("meta")?.clone());
    let host = StoredHost {
        id: id::next(context.sql)?,
        name: name(&fields)?,
        display_name: not_empty(fields.optional_text("displayName")?),
        custom_identifier: not_empty(fields.optional_text("customIdentifier")?),
        memo: fields.optional_text("memo")?.unwrap_or_default().to_owned(),
        size: size(&meta).to_owned(),
        meta,
        interfaces: interfaces(&fields)?.unwrap_or_else(|| json!([])),
        checks: checks(&fields)?.unwrap_or_else(|| json!([])),
        status: context.options.initial_status.as_str().to_owned(),
        created_at: context.now,
        retired_at: None,
        roles: role_fullnames(&fields)?.unwrap_or_default(),
    };
    check_identifier(&host, context)?;
    ensure_roles(&host.roles, context)?;
    host::insert(context.sql, &host)?;
    declare_checks(&host, context)?;
    Ok(Answer::json(&json!({ "id": host.id })))
}

/// `GET /hosts/<id>`.
pub fn get(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    Ok(Answer::json(
        &json!({ "host": to_json(&find(call.param("id"), context)?) }),
    ))
}

/// `GET /hosts-by-custom-identifier/<identifier>`: the living host, the oldest of several where case is ignored.
pub fn by_custom_identifier(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let case = if call.query_first("caseInsensitive") == Some("true") {
        Case::Ignored
    } else {
        Case::Told
    };
    let host = host::by_custom_identifier(context.sql, call.param("identifier"), case)?;
    if host.is_none() && context.options.unknown_identifiers == UnknownIdentifiers::NotFound {
        return Err(unknown_host());
    }
    Ok(Answer::json(&json!({ "host": host.as_ref().map(to_json) })))
}

/// `GET /hosts`: the living hosts that pass every filter; without a status, those that are working or standby.
pub fn list(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let mut statuses = call.query_all("status");
    if statuses.is_empty() {
        statuses = vec!["working", "standby"];
    }
    let roles = call.query_all("role");
    let in_roles = |host: &StoredHost| {
        call.query_first("service").is_none_or(|wanted| {
            host.roles.iter().any(|(service, role)| {
                service == wanted && (roles.is_empty() || roles.contains(&role.as_str()))
            })
        })
    };
    let hosts: Vec<Value> = host::all(context.sql)?
        .iter()
        .filter(|host| {
            host.retired_at.is_none() && statuses.contains(&host.status.as_str()) && in_roles(host)
        })
        .filter(|host| {
            call.query_first("name")
                .is_none_or(|name| host.name == name)
        })
        .filter(|host| {
            call.query_first("customIdentifier")
                .is_none_or(|wanted| host.custom_identifier.as_deref() == Some(wanted))
        })
        .map(to_json)
        .collect();
    Ok(Answer::json(&json!({ "hosts": hosts })))
}

/// `PUT /hosts/<id>`: replaces what is given. Roles are only added, and an identifier that is empty or `null` is erased.
/// That an omitted display name stays is documented for mackerel-agent;
/// that an omitted memo, identifier and list of interfaces or checks stay as well is an assumption.
pub fn update(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let mut host = find_living(call.param("id"), context)?;
    let body = call.json()?;
    let fields = Fields::of_body(&body)?;
    host.name = name(&fields)?;
    host.meta = Value::Object(fields.object("meta")?.clone());
    if let Some(display_name) = fields.optional_text("displayName")? {
        host.display_name = not_empty(Some(display_name));
    }
    if fields.has("customIdentifier") {
        host.custom_identifier = not_empty(fields.optional_text("customIdentifier")?);
    }
    if let Some(memo) = fields.optional_text("memo")? {
        host.memo = memo.to_owned();
    }
    if let Some(interfaces) = interfaces(&fields)? {
        host.interfaces = interfaces;
    }
    let checks = checks(&fields)?;
    let is_declaring = checks.is_some();
    if let Some(checks) = checks {
        host.checks = checks;
    }
    host.roles
        .extend(role_fullnames(&fields)?.unwrap_or_default());
    check_identifier(&host, context)?;
    ensure_roles(&host.roles, context)?;
    host::update(context.sql, &host)?;
    if is_declaring {
        declare_checks(&host, context)?;
    }
    Ok(Answer::json(&json!({ "id": host.id })))
}

/// `POST /hosts/<id>/status`.
pub fn set_status(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let mut host = find_living(call.param("id"), context)?;
    let body = call.json()?;
    host.status = status(&Fields::of_body(&body)?)?.as_str().to_owned();
    host::update(context.sql, &host)?;
    Ok(Answer::success())
}

/// `POST /hosts/bulk-update-statuses`: all of them, or none where one is unknown.
pub fn bulk_set_status(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let fields = Fields::of_body(&body)?;
    let status = status(&fields)?;
    for id in bulk_ids(&fields)? {
        let mut host = find_living(id, context)?;
        host.status = status.as_str().to_owned();
        host::update(context.sql, &host)?;
    }
    Ok(Answer::success())
}

/// `PUT /hosts/<id>/role-fullnames`: the host has exactly these roles from now on. That `null` is none is an
/// assumption: `mkr update --overwriteRoles` sends it where no role is given.
pub fn replace_roles(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let mut host = find_living(call.param("id"), context)?;
    let body = call.json()?;
    let fields = Fields::of_body(&body)?;
    if !fields.has("roleFullnames") {
        return Err(fields.refuse("roleFullnames", "is required"));
    }
    host.roles = role_fullnames(&fields)?.unwrap_or_default();
    ensure_roles(&host.roles, context)?;
    host::update(context.sql, &host)?;
    Ok(Answer::success())
}

/// `POST /hosts/<id>/retire`: it cannot be undone. The body is documented as `{}`; that any JSON does as well, or none
/// at all, is an assumption: of the clients in use one sends `null`, its older versions a string, others an array or nothing.
pub fn retire(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let host = find_living(call.param("id"), context)?;
    if !call.body.is_empty() {
        call.json()?;
    }
    retire_host(host, context)
}

/// `POST /hosts/bulk-retire`: all of them, or none where one is unknown.
pub fn bulk_retire(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    for id in bulk_ids(&Fields::of_body(&body)?)? {
        let host = find_living(id, context)?;
        retire_host(host, context)?;
    }
    Ok(Answer::success())
}

/// The host of this id, retired or not, or 404.
pub fn find(id: &str, context: &Context<'_>) -> Result<StoredHost, Refusal> {
    host::by_id(context.sql, id)?.ok_or_else(unknown_host)
}

/// The host of this id for a change: 404 where it is unknown. 400 where it is retired is documented for metadata
/// and an assumption for the rest.
pub fn find_living(id: &str, context: &Context<'_>) -> Result<StoredHost, Refusal> {
    let host = find(id, context)?;
    if host.retired_at.is_some() {
        return Err(Refusal::bad_request(format!("host {id} has been retired")));
    }
    Ok(host)
}

fn retire_host(mut host: StoredHost, context: &Context<'_>) -> Result<Answer, Refusal> {
    host.retired_at = Some(context.now);
    host::update(context.sql, &host)?;
    watch::host_retired(context.sql, &host.id, context.now)?;
    check::declare(&host.id, &[], context)?;
    Ok(Answer::success())
}

fn declare_checks(host: &StoredHost, context: &Context<'_>) -> Result<(), Refusal> {
    let declared = host.checks.as_array().map(Vec::as_slice);
    check::declare(&host.id, declared.unwrap_or_default(), context)
}

fn to_json(host: &StoredHost) -> Value {
    let mut roles: Map<String, Value> = Map::new();
    for (service, role) in &host.roles {
        if let Value::Array(names) = roles.entry(service).or_insert_with(|| json!([])) {
            names.push(json!(role));
        }
    }
    let mut object = json!({
        "id": host.id,
        "name": host.name,
        "createdAt": host.created_at,
        "status": host.status,
        "size": host.size,
        "memo": host.memo,
        "isRetired": host.retired_at.is_some(),
        "roles": roles,
        "meta": host.meta,
        "interfaces": host.interfaces,
    });
    let optional = [
        ("displayName", json!(host.display_name)),
        ("customIdentifier", json!(host.custom_identifier)),
        ("retiredAt", json!(host.retired_at)),
    ];
    if let Value::Object(map) = &mut object {
        map.extend(
            optional
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.to_owned(), value)),
        );
    }
    object
}

fn name(fields: &Fields<'_>) -> Result<String, Refusal> {
    not_empty(Some(fields.text("name")?)).ok_or_else(|| fields.refuse("name", "must not be empty"))
}

fn not_empty(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

fn status(fields: &Fields<'_>) -> Result<HostStatus, Refusal> {
    HostStatus::from_word(fields.text("status")?).ok_or_else(|| {
        fields.refuse(
            "status",
            "must be one of working, standby, maintenance, poweroff",
        )
    })
}

/// Only the documented kinds: hosts made by the API are standard, those of mackerel-container-agent micro.
/// That the server tells the latter by `meta.agent-name` is an assumption.
fn size(meta: &Value) -> &'static str {
    let agent = meta
        .get("agent-name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if agent.starts_with("mackerel-container-agent") {
        "micro"
    } else {
        "standard"
    }
}

fn role_fullnames(fields: &Fields<'_>) -> Result<Option<Vec<(String, String)>>, Refusal> {
    let Some(fullnames) = fields.optional_texts("roleFullnames")? else {
        return Ok(None);
    };
    let split = |fullname: &&str| {
        rule::split_role_fullname(fullname)
            .map(|(service, role)| (service.to_owned(), role.to_owned()))
            .ok_or_else(|| {
                fields.refuse(
                    "roleFullnames",
                    &format!("holds {fullname:?}, which is no `service:role`"),
                )
            })
    };
    fullnames
        .iter()
        .map(split)
        .collect::<Result<_, _>>()
        .map(Some)
}

fn ensure_roles(roles: &[(String, String)], context: &Context<'_>) -> Result<(), Refusal> {
    for (service, name) in roles {
        role::ensure_service(context.sql, service, "")?;
        role::ensure_role(context.sql, service, name, "")?;
    }
    Ok(())
}

fn checks(fields: &Fields<'_>) -> Result<Option<Value>, Refusal> {
    let Some(list) = fields.optional_list("checks")? else {
        return Ok(None);
    };
    for (index, element) in list.iter().enumerate() {
        let check = Fields::of_element("checks", index, element)?;
        if !rule::is_check_name(check.text("name")?) {
            return Err(check.refuse("name", "must be of the characters a-z, A-Z, 0-9, _ and -"));
        }
        if check
            .optional_text("memo")?
            .is_some_and(|memo| memo.chars().count() > rule::CHECK_MEMO_MAX_CHARS)
        {
            return Err(check.refuse("memo", "must be at most 250 characters"));
        }
    }
    Ok(Some(json!(list)))
}

/// The interfaces, where the arrays of addresses win over the single ones.
fn interfaces(fields: &Fields<'_>) -> Result<Option<Value>, Refusal> {
    let Some(list) = fields.optional_list("interfaces")? else {
        return Ok(None);
    };
    let mut interfaces = Vec::with_capacity(list.len());
    for (index, element) in list.iter().enumerate() {
        let interface = Fields::of_element("interfaces", index, element)?;
        let mut kept = Map::from_iter([("name".to_owned(), json!(interface.text("name")?))]);
        if let Some(address) = interface.optional_text("macAddress")? {
            kept.insert("macAddress".to_owned(), json!(address));
        }
        for (one, many) in [
            ("ipAddress", "ipv4Addresses"),
            ("ipv6Address", "ipv6Addresses"),
        ] {
            let single = interface.optional_text(one)?;
            let addresses = interface
                .optional_texts(many)?
                .or_else(|| single.map(|address| vec![address]))
                .unwrap_or_default();
            if let Some(first) = addresses.first() {
                kept.insert(one.to_owned(), json!(first));
                kept.insert(many.to_owned(), json!(addresses));
            }
        }
        interfaces.push(Value::Object(kept));
    }
    Ok(Some(Value::Array(interfaces)))
}

fn bulk_ids<'a>(fields: &Fields<'a>) -> Result<Vec<&'a str>, Refusal> {
    fields.list("ids")?;
    let ids = fields.optional_texts("ids")?.unwrap_or_default();
    if ids.len() > BULK_MAX {
        return Err(fields.refuse("ids", "must be at most 30"));
    }
    Ok(ids)
}

fn check_identifier(host: &StoredHost, context: &Context<'_>) -> Result<(), Refusal> {
    let Some(identifier) = &host.custom_identifier else {
        return Ok(());
    };
    let holder = host::by_custom_identifier(context.sql, identifier, Case::Told)?;
    match (holder, context.options.duplicate_identifiers) {
        (Some(holder), DuplicateIdentifiers::Refuse) if holder.id != host.id => {
            Err(Refusal::bad_request(format!(
                "`customIdentifier` {identifier:?} is already used by host {}",
                holder.id
            )))
        }
        _ => Ok(()),
    }
}

fn unknown_host() -> Refusal {
    Refusal::not_found("host not found")
}
