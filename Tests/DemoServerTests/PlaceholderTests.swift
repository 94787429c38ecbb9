import Testing

@testable import DemoServer
