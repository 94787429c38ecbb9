import Testing

@testable import TrackerRouterAdapter
