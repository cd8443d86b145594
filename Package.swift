// swift-tools-version: 6.1
import PackageDescription

let swiftSettings: [SwiftSetting] = [.swiftLanguageMode(.v6)]

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["SparrowTestSupport"], swiftSettings: swiftSettings)
}

// Arrows point down only: a target lists nothing above it (tools/check-imports verifies this).
let package = Package(
  name: "sparrow",
  products: [
    .executable(name: "sparrow", targets: ["sparrow-cli"]),
    .executable(name: "sparrow-run", targets: ["sparrow-run"]),
    .library(name: "Sparrow", targets: ["Sparrow"]),
    .library(name: "SparrowRuntime", targets: ["SparrowRuntime", "SparrowCore", "CPlatform"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
  ],
  targets: [
    .target(name: "CPlatform"),
    .target(name: "CKernels", linkerSettings: [.linkedLibrary("m")]),
    .target(name: "CLapack"),
    .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),
    .target(
      name: "CImages",
      linkerSettings: [
        .linkedLibrary("jpeg"), .linkedLibrary("png"), .linkedLibrary("z"), .linkedLibrary("m"),
      ]),
    .target(
      name: "CProtobuf",
      linkerSettings: [.linkedLibrary("protobuf-lite"), .linkedLibrary("stdc++")]),
    library("SparrowCore", ["CPlatform"]),
    library("SparrowRuntime", ["SparrowCore", "CKernels", "CPlatform", "CZlib"]),
    library("SparrowFiles", ["SparrowRuntime", "SparrowCore", "CPlatform", "CZlib"]),
    library("SparrowHost", ["SparrowFiles", "SparrowRuntime", "SparrowCore", "CPlatform"]),
    library(
      "SparrowRun", ["SparrowHost", "SparrowFiles", "SparrowRuntime", "SparrowCore", "CPlatform"]),
    .executableTarget(name: "sparrow-run", dependencies: ["SparrowRun"]),
    .target(name: "CSparrow"),
    library("SparrowC", ["SparrowRuntime", "SparrowCore", "CSparrow", "CPlatform"]),
    library("SparrowPasses", ["SparrowRuntime", "SparrowCore"]),
    library("SparrowArchitectures", ["SparrowCore"]),
    library(
      "SparrowFormats",
      [
        "SparrowPasses", "SparrowFiles", "SparrowRuntime", "SparrowCore", "CProtobuf", "CZlib",
        "CPlatform",
      ]),
    library(
      "SparrowCompress",
      ["SparrowPasses", "SparrowRuntime", "SparrowCore", "CKernels", "CLapack", "CPlatform"]),
    library(
      "SparrowTrain",
      [
        "SparrowCompress", "SparrowArchitectures", "SparrowPasses", "SparrowRuntime", "SparrowCore",
      ]),
    library("SparrowReport", ["SparrowPasses", "SparrowRuntime", "SparrowCore", "CKernels"]),
    library(
      "Sparrow",
      [
        "SparrowReport", "SparrowTrain", "SparrowCompress", "SparrowFormats",
        "SparrowArchitectures", "SparrowPasses", "SparrowHost", "SparrowFiles", "SparrowRuntime",
        "SparrowCore", "CImages", "CPlatform", "CZlib", "Yams",
      ]),
    .executableTarget(
      name: "sparrow-cli",
      dependencies: [
        "Sparrow", "SparrowHost",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "SparrowTestSupport", path: "Tests/SparrowTestSupport", swiftSettings: swiftSettings),
    tests("CKernelsTests", ["CKernels"]),
    tests("SparrowCoreTests", ["SparrowCore"]),
    tests("SparrowRuntimeTests", ["SparrowRuntime", "SparrowCore"]),
    tests(
      "SparrowRunTests", ["Sparrow", "SparrowRun", "sparrow-run"]),
    tests(
      "SparrowPassesTests",
      ["SparrowPasses", "SparrowFormats", "SparrowRuntime", "SparrowCore"]),
    tests(
      "SparrowFormatsTests", ["SparrowFormats", "SparrowFiles", "SparrowRuntime", "SparrowCore"]),
    tests(
      "SparrowCompressTests",
      ["SparrowCompress", "SparrowFormats", "SparrowPasses", "SparrowRuntime", "SparrowCore"]),
    tests(
      "SparrowArchitecturesTests",
      ["SparrowArchitectures", "SparrowFormats", "SparrowPasses", "SparrowRuntime", "SparrowCore"]),
    tests(
      "SparrowTrainTests",
      [
        "SparrowTrain", "SparrowCompress", "SparrowFormats", "SparrowArchitectures",
        "SparrowPasses",
        "SparrowRuntime", "SparrowCore",
      ]),
    tests("SparrowReportTests", ["SparrowReport", "SparrowRuntime", "SparrowCore"]),
    tests("SparrowTests", ["Sparrow"]),
  ]
)
