/// What an HTTP status means for an event.
enum HTTPOutcome {
    static func outcome(status: Int, retryAfter: String, now: Int64) -> DeliveryOutcome {
        switch status {
        case 200...299: .delivered
        case 300...399:
            .drop(
                .redirected,
                because: "the backend answered \(status), a redirect, which is not followed; "
                    + "set RA_BACKEND_ENDPOINT to the address it leads to")
        case 401, 403:
            .holdBack(because: "the backend answered \(status): check RA_PROJECT_TOKEN and RA_PROJECT_ID")
        case 404:
            .holdBack(because: "the backend answered 404: check RA_PROJECT_ID and RA_BACKEND_ENDPOINT")
        case 408, 429, 500...:
            .retry(after: RetryAfter.parse(retryAfter, now: now), because: "the backend answered \(status)")
        default: .drop(.rejected, because: "the backend answered \(status)")
        }
    }
}
