import Foundation
import SparrowTestSupport
import Testing

@testable import Sparrow

/// Folders of pictures as data: fixtures/images has parts train and val of two classes.
struct ImageFolderTests {
  static let folder = Repository.fixture("images")

  private func network(_ shape: [Int]) throws -> Model {
    try Model.new(.resNet20, ArchitectureSettings(classes: 2, inputShape: shape, width: 0.25))
  }

  @Test func partsAndClasses() throws {
    let form = try ImageForm(height: 16, width: 20, channels: 3)
    let test = try Dataset(path: Self.folder, images: form)
    #expect(test.path.hasSuffix("images/val"))
    #expect(test.classes == ["circle", "square"] && test.labels == [0, 1, 1])
    #expect(test.samples.shape == [3, 16, 20, 3])
    let train = try Dataset(path: Self.folder, purpose: .calibration, images: form)
    #expect(train.labels == [0, 0, 0, 0, 1, 1, 1, 1, 1])
    let part = try Dataset(path: Self.folder + "/train", images: form)
    #expect(part.samples == train.samples)
    #expect(throws: SparrowError.self) {
      try Dataset(path: Self.folder + "/train", split: .train, images: form)
    }
  }

  /// What a network sees: the fixture's pixels, channels first, normalised.
  @Test func pixelsReachTheNetwork() throws {
    let source = try SampleSource(
      path: Self.folder, for: try network([3, 24, 24]),
      preprocessing: try Preprocessing("scale=255,mean=0.5:0.25:0,std=0.5:1:2"))
    let batch = try #require(source.batch(0..<3)[0].floats)
    let archive = try NPZArchive(path: Repository.fixture("images.npz"))
    // The second is a PNG of 24x24, which stays as it is.
    let pixels = try archive.tensor(named: "val/square/a.png").array(of: UInt8.self)
    let (mean, deviation): ([Float], [Float]) = ([0.5, 0.25, 0], [0.5, 1, 2])
    for (i, value) in batch[3 * 576..<6 * 576].enumerated() {
      let (c, place) = (i / 576, i % 576)
      let expected = (Float(pixels[3 * place + c]) / 255 - mean[c]) / deviation[c]
      #expect(abs(value - expected) < 1e-5)
    }
  }

  @Test func greyAndOpenInputs() throws {
    let grey = try SampleSource(path: Self.folder, for: try network([1, 24, 24]))
    #expect(grey.batch(0..<2)[0].shape == [2, 1, 24, 24])
    let vector = try Model.new(.mlp, ArchitectureSettings(inputShape: [256]))
    let rows = try SampleSource(
      path: Self.folder, for: vector, preprocessing: try Preprocessing("unit"))
    #expect(rows.batch(0..<1)[0].shape == [1, 256])
    #expect(throws: SparrowError.self) {
      try SampleSource(
        path: Self.folder, for: try network([3, 24, 24]),
        preprocessing: try Preprocessing("crop=16"))
    }
    #expect(throws: SparrowError.self) {
      try SampleSource(
        path: Self.folder, for: try network([3, 24, 24]),
        preprocessing: try Preprocessing("resize=16"))
    }
    #expect(throws: SparrowError.self) {
      try SampleSource(
        path: Repository.fixture("idx"), for: try network([1, 8, 8]),
        preprocessing: try Preprocessing("resize=16"))
    }
  }

  @Test func foldersThatAreNone() throws {
    let form = try ImageForm(height: 8, width: 8, channels: 3)
    try TemporaryFolder.use { folder in
      func message() -> String {
        do {
          _ = try Dataset(path: folder, images: form)
          return "read"
        } catch {
          return error.message
        }
      }
      #expect(message().contains("a folder without data"))
      let files = FileManager.default
      try files.createDirectory(atPath: folder + "/cat", withIntermediateDirectories: true)
      #expect(message().contains("there is no image in it"))
      let picture = folder + "/cat/a.jpg"
      try Data("no picture".utf8).write(to: URL(fileURLWithPath: picture))
      #expect(message().contains("a.jpg: it is neither a JPEG nor a PNG file"))
      try files.removeItem(atPath: picture)
      try files.createDirectory(atPath: picture, withIntermediateDirectories: true)
      #expect(message().contains("a.jpg"))
      try files.removeItem(atPath: picture)
      try Data().write(to: URL(fileURLWithPath: picture))
      #expect(message() != "read")
    }
  }

  @Test func evaluates() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("model.onnx")
    try network([3, 24, 24]).saveTrainable(to: path)
    let outcome = try CommandLineTool.run(
      "evaluate", path, "--data", Self.folder, "--preprocess", "cifar", "--split", "train")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("on 9 samples"))
  }
}
