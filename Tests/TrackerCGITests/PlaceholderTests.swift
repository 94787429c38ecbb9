import Testing

@testable import TrackerCGI
