// swift-tools-version: 6.1

import PackageDescription

// Not in a folder named "hummingbird": a package's identity is its folder's name, so it would shadow the framework.
let package = Package(
    name: "hummingbird-example",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.20.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird-websocket.git", from: "2.6.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.24.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.6.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.81.0"),
        // In your app: .package(url: "…", branch: "main"), as this package's README says.
        .package(name: "rigidanalytics-tracker", path: "../../.."),
    ],
    targets: [
        .executableTarget(
            name: "App",
            dependencies: [
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdWebSocket", package: "hummingbird-websocket"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"),
                // For `App --measure`.
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "TrackerCore", package: "rigidanalytics-tracker"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
