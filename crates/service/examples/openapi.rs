//! Prints the API's description: `docs/openapi.json` is what this prints.

fn main() {
    print!("{}", countersign_service::http::openapi_json());
}
