import Foundation
import SparrowTestSupport
import Testing

@testable import Sparrow

/// Files of the MNIST family: fixtures/idx holds digits in its four files.
struct IDXFileTests {
  static let folder = Repository.fixture("idx")

  private func digits(_ part: String, _ count: Int) throws -> (pixels: [UInt8], labels: [Int]) {
    let file = Repository.fixture("digits.npz")
    let images = try #require(try loadTensor("\(file):x_\(part)").floats).prefix(count * 64)
    let labels = try #require(try loadTensor("\(file):y_\(part)").integers).prefix(count)
    return (images.map { UInt8(($0 * 255).rounded(.toNearestOrEven)) }, Array(labels))
  }

  /// The purpose decides the part, unless a split does.
  @Test(arguments: [
    (Dataset.Purpose.evaluation, nil, "test", 80), (.calibration, nil, "train", 120),
    (.evaluation, Dataset.Split.train, "train", 120), (.calibration, .test, "test", 80),
  ])
  func aFolderHasBothParts(
    _ purpose: Dataset.Purpose, _ split: Dataset.Split?, _ part: String, _ count: Int
  ) throws {
    let data = try Dataset(path: Self.folder, purpose: purpose, split: split)
    let expected = try digits(part, count)
    #expect(data.samples == Tensor(expected.pixels, shape: [count, 8, 8]))
    #expect(data.labels == expected.labels)
  }

  @Test(arguments: ["train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte"])
  func aFileFindsItsLabels(_ name: String) throws {
    let data = try Dataset(path: "\(Self.folder)/\(name)")
    #expect(data.labels?.count == data.count)
    #expect(throws: SparrowError.self) {
      try Dataset(path: "\(Self.folder)/\(name)", split: .test)
    }
  }

  @Test func evaluatesAndCalibrates() throws {
    let folder = try TemporaryFolder()
    let (model, json) = (Repository.fixture("digits-mlp.onnx"), folder.path("e.json"))
    let evaluated = try CommandLineTool.run(
      "evaluate", model, "--data", Self.folder, "--preprocess", "unit", "--json", json)
    #expect(evaluated.status == 0, "\(evaluated.errors)")
    let result = try JSONDecoder().decode(
      Evaluation.self, from: Data(contentsOf: URL(fileURLWithPath: json)))
    #expect(result.samples == 80 && (result.top1 ?? 0) >= 0.95)
    let compressed = try CommandLineTool.run(
      "compress", model, folder.path("small.sparrow"), "--sparsity", "0.5", "--calibration",
      Self.folder, "--preprocess", "unit", "--samples", "100")
    #expect(compressed.status == 0, "\(compressed.errors)")
  }

  /// Bytes of a file: type code, shape, elements.
  static func file(_ code: UInt8, _ shape: [UInt32], _ elements: [UInt8]) -> [UInt8] {
    [0, 0, code, UInt8(shape.count)]
      + shape.flatMap { length in
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) }
      } + elements
  }

  private func parse(_ bytes: [UInt8]) throws -> Tensor { try IDXFile.parse(Bytes(copying: bytes)) }

  @Test func everyElementType() throws {
    #expect(try parse(Self.file(8, [2], [1, 255])) == Tensor([1, 255] as [UInt8]))
    #expect(try parse(Self.file(9, [2], [1, 255])) == Tensor([1, -1] as [Int8]))
    #expect(try parse(Self.file(11, [1, 1], [1, 2])) == Tensor([258 as Int16], shape: [1, 1]))
    #expect(try parse(Self.file(12, [1], [255, 255, 255, 254])) == Tensor([-2 as Int32]))
    #expect(try parse(Self.file(13, [1], [0x3f, 0xc0, 0, 0])) == Tensor([1.5 as Float]))
    #expect(
      try parse(Self.file(14, [1], [0xc0, 4, 0, 0, 0, 0, 0, 0])) == Tensor([-2.5 as Double]))
  }

  static let malformed: [([UInt8], String)] = [
    ([], "the IDX header"), ([0, 0, 8], "the number of axes"),
    ([0, 1, 8, 1, 0, 0, 0, 1, 5], "expected two zeros"), ([0, 0, 7, 1, 0, 0, 0, 1, 5], "7"),
    ([0, 0, 8, 0], "0 axes"), ([0, 0, 8, 200], "200 axes"),
    ([0, 0, 8, 2, 0, 0, 0, 1, 0], "the length of axis 1"),
    (file(8, [3], [1, 2]), "1 more bytes"), (file(8, [1], [1, 2]), "bytes follow"),
    (file(14, [.max, .max, .max, .max], []), "too large"),
    (file(8, [.max], [1]), "more bytes"),
  ]

  @Test(arguments: malformed)
  func isRefused(_ bytes: [UInt8], _ fragment: String) {
    let error = #expect(throws: ReadError.self) { try parse(bytes) }
    #expect(error?.message.contains(fragment) == true, "\(error?.message ?? "")")
  }

  /// A compressed file cut anywhere, or with any bit of its header or data turned over.
  @Test func damagedCompression() throws {
    let path = "\(Self.folder)/train-labels-idx1-ubyte.gz"
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    #expect(try parse(whole).count == 120)
    for cut in 2..<whole.count {
      #expect(throws: ReadError.self, "\(cut) bytes") { try parse(Array(whole.prefix(cut))) }
    }
    #expect(throws: ReadError.self) { try parse(whole + [0]) }
    for place in whole.indices.dropFirst(10) {
      var damaged = whole
      damaged[place] ^= 0x10
      _ = try? parse(damaged)
    }
  }

  /// A few compressed bytes that promise 4 GB are refused before memory is asked for.
  @Test func promisesOfCompressedHeaders() throws {
    try TemporaryFolder.use { folder in
      let raw = folder + "/huge-idx3-ubyte"
      try Data(Self.file(8, [.max, 1], [1, 2, 3])).write(to: URL(fileURLWithPath: raw))
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/gzip")
      process.arguments = [raw]
      try process.run()
      process.waitUntilExit()
      let error = #expect(throws: SparrowError.self) { try Dataset(path: raw + ".gz") }
      #expect(error?.message.contains("cannot be in") == true, "\(error?.message ?? "")")
    }
  }

  @Test func labelsMustFit() throws {
    try TemporaryFolder.use { folder in
      let url = URL(fileURLWithPath: folder)
      let images = url.appendingPathComponent("a-images-idx3-ubyte")
      let labels = url.appendingPathComponent("a-labels-idx1-ubyte")
      try Data(Self.file(8, [2, 1, 1], [7, 8])).write(to: images)
      #expect(try Dataset(path: images.path).labels == nil)
      try Data(Self.file(8, [3], [1, 2, 3])).write(to: labels)
      let error = #expect(throws: SparrowError.self) { try Dataset(path: images.path) }
      #expect(error?.message.contains("2 images") == true, "\(error?.message ?? "")")
      #expect(throws: SparrowError.self) { try Dataset(path: labels.path) }
      #expect(throws: SparrowError.self) { try Dataset(path: folder) }
      try Data().write(to: labels)
      #expect(throws: SparrowError.self) { try Dataset(path: images.path) }
    }
  }
}
