//! The calls about graph annotations. Services and roles are not made by them: an unknown one is a 404.

use serde_json::{Value, json};

use crate::demo::mackerel::api::service;
use crate::demo::mackerel::call::{Answer, Call, Context};
use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::field::Fields;
use crate::demo::mackerel::rule;
use crate::demo::mackerel::store::annotation::{self, StoredAnnotation};
use crate::demo::mackerel::store::id;

/// `POST /graph-annotations`.
pub fn create(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let annotation = read(call, context, None)?;
    annotation::put(context.sql, &annotation)?;
    Ok(Answer::json(&to_json(&annotation)))
}

/// `GET /graph-annotations?service&from&to`: those that have a moment in common with the span.
pub fn list(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let name = call
        .query_first("service")
        .ok_or_else(|| Refusal::bad_request("`service` is required"))?;
    let (from, to) = (call.time("from")?, call.time("to")?);
    let service = service::find(name, context)?;
    let list: Vec<Value> = annotation::between(context.sql, &service.name, from, to)?
        .iter()
        .map(to_json)
        .collect();
    Ok(Answer::json(&json!({ "graphAnnotations": list })))
}

/// `PUT /graph-annotations/<id>`: writes it anew.
pub fn update(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let found = find(call, context)?;
    let annotation = read(call, context, Some(found.id))?;
    annotation::put(context.sql, &annotation)?;
    Ok(Answer::json(&to_json(&annotation)))
}

/// `DELETE /graph-annotations/<id>`: deletes it and returns it as it was.
pub fn delete(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let found = find(call, context)?;
    annotation::delete(context.sql, &found.id)?;
    Ok(Answer::json(&to_json(&found)))
}

fn find(call: &Call, context: &Context<'_>) -> Result<StoredAnnotation, Refusal> {
    annotation::by_id(context.sql, call.param("id"))?
        .ok_or_else(|| Refusal::not_found("graph annotation not found"))
}

fn read(
    call: &Call,
    context: &Context<'_>,
    id: Option<String>,
) -> Result<StoredAnnotation, Refusal> {
    let body = call.json()?;
    let fields = Fields::of_body(&body)?;
    let title = fields.text("title")?;
    if title.chars().count() > rule::ANNOTATION_TITLE_MAX_CHARS {
        return Err(fields.refuse("title", "must be at most 250 characters"));
    }
    let description = fields.optional_text("description")?;
    if description.is_some_and(|text| text.chars().count() > rule::ANNOTATION_MAX_CHARS) {
        return Err(fields.refuse("description", "must be at most 1024 characters"));
    }
    let (begins, ends) = (fields.time("from")?, fields.time("to")?);
    if begins > ends {
        return Err(fields.refuse("from", "must not be after `to`"));
    }
    let service = fields.text("service")?;
    let roles = fields.optional_texts("roles")?;
    service::find(service, context)?;
    for role in roles.iter().flatten() {
        service::find_role(service, role, context)?;
    }
    Ok(StoredAnnotation {
        id: match id {
            Some(id) => id,
            None => id::next(context.sql)?,
        },
        title: title.to_owned(),
        description: description.map(str::to_owned),
        begins,
        ends,
        service: service.to_owned(),
        roles: roles.map(|roles| roles.into_iter().map(str::to_owned).collect()),
    })
}

fn to_json(annotation: &StoredAnnotation) -> Value {
    let mut object = json!({
        "id": annotation.id,
        "title": annotation.title,
        "from": annotation.begins,
        "to": annotation.ends,
        "service": annotation.service,
    });
    if let Some(description) = &annotation.description {
        object["description"] = json!(description);
    }
    if let Some(roles) = &annotation.roles {
        object["roles"] = json!(roles);
    }
    object
}
