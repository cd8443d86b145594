import Foundation
import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowFormats

@Suite struct ONNXExternalDataTests {
  private func model(_ location: String?, offset: String = "0", length: String? = nil) -> Proto {
    var entries = [("offset", offset)]
    if let location { entries.append(("location", location)) }
    if let length { entries.append(("length", length)) }
    let external = entries.map { Proto.message(13, [.text(1, $0.0), .text(2, $0.1)]) }
    return .model([
      .input("x", ["2"]), .message(5, Proto.head("w", [2]) + external + [.int(14, 1)]),
      .node("Add", ["x", "w"], ["y"]), .output("y"),
    ])
  }

  /// Lays out `outside.bin`, `models/weights.bin`, `models/sub/weights.bin` and links between them,
  /// and reads the model as `models/m.onnx`.
  private func read(_ model: Proto) throws -> Graph {
    try TemporaryFolder.use { folder in
      let files = FileManager.default
      let content = Data(Proto.littleEndian([1, 2, 3, 4]))
      try files.createDirectory(
        atPath: folder + "/models/sub", withIntermediateDirectories: true)
      for name in ["outside.bin", "models/weights.bin", "models/sub/weights.bin"] {
        try content.write(to: URL(fileURLWithPath: folder + "/" + name))
      }
      for (link, target) in [
        ("models/out.bin", "../outside.bin"), ("models/in.bin", "sub/weights.bin"),
        ("models/up", ".."),
      ] {
        try files.createSymbolicLink(
          atPath: folder + "/" + link, withDestinationPath: target)
      }
      try Data(model.bytes).write(to: URL(fileURLWithPath: folder + "/models/m.onnx"))
      return try ONNX.read(folder + "/models/m.onnx")
    }
  }

  @Test(arguments: ["weights.bin", "sub/weights.bin", "./weights.bin", "in.bin"])
  func readsFilesInTheFolder(_ location: String) throws {
    let graph = try read(model(location, offset: "4", length: "8"))
    let constant = try #require(graph.values.compactMap { $0.constant }.first)
    #expect(constant.floats == [2, 3])
  }

  static let refused: [(location: String, offset: String, length: String?, words: String)] = [
    ("../outside.bin", "0", nil, "must stay in the model's folder"),
    ("sub/../../outside.bin", "0", nil, "must stay in the model's folder"),
    ("sub/../weights.bin", "0", nil, "must stay in the model's folder"),
    ("/etc/passwd", "0", nil, "must stay in the model's folder"),
    ("out.bin", "0", nil, "must stay in the model's folder"),
    ("up/outside.bin", "0", nil, "must stay in the model's folder"),
    ("", "0", nil, "must stay in the model's folder"),
    ("weights.bin\0", "0", nil, "must stay in the model's folder"),
    ("absent.bin", "0", nil, "not there beside the model"),
    ("sub", "0", nil, "not a regular file"),
    ("weights.bin", "12", nil, "which has only 16"),
    ("weights.bin", "17", nil, "which has only 16"),
    ("weights.bin", "9223372036854775807", nil, "which has only 16"),
    ("weights.bin", "18446744073709551616", nil, "expected a number of bytes"),
    ("weights.bin", "-4", nil, "expected a number of bytes"),
    ("weights.bin", "0", "12", "12 external bytes"),
  ]

  @Test(arguments: refused)
  func refuses(location: String, offset: String, length: String?, words: String) throws {
    let error = try #require(throws: FormatError.self) {
      try read(model(location, offset: offset, length: length))
    }
    #expect(error.message.contains(words))
  }

  @Test func refusesExternalDataWithoutALocation() throws {
    let error = try #require(throws: FormatError.self) { try read(model(nil)) }
    #expect(error.message.contains("no location"))
  }

  @Test func refusesExternalDataOfAModelInMemory() throws {
    let error = try #require(throws: FormatError.self) {
      try ONNX.read(Bytes(model("weights.bin")))
    }
    #expect(error.message.contains("not read from a file"))
  }

  /// A limit below the weights' size stands for the 2 GiB of a real file.
  @Test func writesLargeModelsInTwoFiles() throws {
    let graph = try ONNX.read(Fixtures.path("digits-cnn.onnx"))
    try TemporaryFolder.use { folder in
      try ONNX.write(graph, to: folder + "/m.onnx", limit: 1 << 16)
      let sizes = try ["m.onnx", "m.onnx.data"].map {
        try #require(
          try FileManager.default.attributesOfItem(atPath: folder + "/" + $0)[.size] as? Int)
      }
      #expect(sizes[0] < sizes[1])
      expectEqual(try ONNX.read(folder + "/m.onnx"), graph)
    }
  }
}
