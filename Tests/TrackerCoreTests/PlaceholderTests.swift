import Testing

@testable import TrackerCore
