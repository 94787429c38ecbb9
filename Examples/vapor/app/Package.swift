// swift-tools-version: 6.1

import PackageDescription

// Not in a folder named "vapor": a package's identity is its folder's name, so it would shadow the framework.
let package = Package(
    name: "vapor-example",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/vapor/vapor.git", from: "4.110.0"),
        // In your app: .package(url: "…", branch: "main"), as this package's README says.
        .package(name: "rigidanalytics-tracker", path: "../../.."),
    ],
    targets: [
        .executableTarget(
            name: "App",
            dependencies: [
                .product(name: "Vapor", package: "vapor"),
                .product(name: "TrackerCore", package: "rigidanalytics-tracker"),
                .product(name: "TrackerRouterAdapter", package: "rigidanalytics-tracker"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
