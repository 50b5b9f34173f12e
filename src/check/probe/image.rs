//! `image`: how an image is configured and what it is made of.

use serde_json::json;

use super::Fields;
use crate::check::world::{Observation, Unobservable, World};

pub(super) async fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let origin = fields.origin()?;
    let mut document = world.image(&origin).await?;
    let (find, search) = (fields.texts("find")?, fields.text("search")?);
    if !find.is_empty() || search.is_some() {
        let files = world.image_files(&origin, &find, search.as_deref()).await?;
        document["found"] = files["found"].clone();
        document["hits"] = files["hits"].clone();
    }
    // "user:group", and root where nothing is said.
    let user = document["user"].as_str().and_then(|user| user.split(':').next()).filter(|user| !user.is_empty());
    let mut fields = document.clone();
    fields["user"] = user.unwrap_or("root").into();
    fields["layers"] = json!(document["layers"].as_array().map_or(0, Vec::len));
    Ok(Observation::new(fields, document))
}
