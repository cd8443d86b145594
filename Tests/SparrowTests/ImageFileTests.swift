import Foundation
import SparrowTestSupport
import Testing

@testable import Sparrow

/// Pictures against what Pillow makes of them: fixtures/images.npz.
struct ImageFileTests {
  /// Decoders of JPEG may round their transforms and chroma differently.
  static let jpegTolerance = 2
  /// Of resized pixels: a rounding at each of two passes.
  static let resizeTolerance = 1
  static let names: [String] = {
    let folder = Repository.fixture("images")
    let all = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return all.filter { ImageFile.isImage($0) }.sorted()
  }()

  private func reference(_ key: String) throws -> Tensor {
    try NPZArchive(path: Repository.fixture("images.npz")).tensor(named: key)
  }

  private func difference(_ a: [UInt8], _ b: [UInt8]) -> Int {
    guard a.count == b.count else { return .max }
    return zip(a, b).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) }
  }

  private func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: Repository.fixture("images/\(name)"))))
  }

  @Test func thereArePictures() { #expect(Self.names.count == 12) }

  @Test(arguments: names)
  func decodesAsPillowDoes(_ name: String) throws {
    let (pixels, size) = try ImageFile.read(Repository.fixture("images/\(name)"))
    let expected = try reference(name)
    #expect(expected.shape == [size.height, size.width, 3])
    let gap = difference(pixels.array(of: UInt8.self), expected.array(of: UInt8.self))
    #expect(gap <= (name.lowercased().hasSuffix("png") ? 0 : Self.jpegTolerance), "\(gap)")
  }

  @Test(arguments: names)
  func resizesAsPillowDoes(_ name: String) throws {
    let source = try reference(name)
    #expect(
      try middle(source, ImageForm(height: 24, width: 24, channels: 3), name + ":middle") <= 1)
    let pixels = try #require(source.denseBytes)
    let grey = ImageScaling.luminance(pixels, count: source.count / 3).array(of: UInt8.self)
    #expect(grey == (try reference(name + ":grey")).array(of: UInt8.self))
  }

  @Test func enlargesAsPillowDoes() throws {
    let name = "train/circle/baseline.jpg"
    let form = try ImageForm(height: 50, width: 50, channels: 3, resize: 64)
    #expect(try middle(try reference(name), form, name + ":large") <= Self.resizeTolerance)
  }

  private func middle(_ source: Tensor, _ form: ImageForm, _ key: String) throws -> Int {
    let size = ImageSize(width: source.shape[1], height: source.shape[0])
    let pixels = try #require(source.denseBytes)
    let made = Tensor(of: UInt8.self, shape: [form.height, form.width, 3]) { target in
      ImageScaling.middle(of: pixels, size, channels: 3, form: form, into: target)
    }
    return difference(made.array(of: UInt8.self), try reference(key).array(of: UInt8.self))
  }

  /// A picture cut anywhere is an error, never a grey rest.
  @Test(arguments: names)
  func truncated(_ name: String) throws {
    let whole = try bytes(name)
    for cut in Array(0..<64) + Array(stride(from: 64, to: whole.count, by: 7)) + [whole.count - 1] {
      #expect(throws: FormatError.self, "\(cut) of \(whole.count) bytes") {
        try ImageFile.decode(Bytes(copying: Array(whole.prefix(cut))), file: name)
      }
    }
  }

  /// Damage gives an error or a picture, nothing else; small sizes only, as flipped ones may be large.
  @Test(arguments: names)
  func damaged(_ name: String) throws {
    let whole = try bytes(name)
    var random = SeededGenerator(seed: 9)
    for _ in 0..<60 {
      var damaged = whole
      for _ in 0..<3 {
        damaged[Int.random(in: 0..<whole.count, using: &random)] = UInt8.random(
          in: 0...255, using: &random)
      }
      _ = try? ImageFile.decode(Bytes(copying: damaged), file: name)
    }
  }

  /// Headers of 2^31 - 1 and of 65500 pixels a side.
  @Test func hugeSizes() throws {
    var png = try bytes("train/circle/truecolor.png")
    png.replaceSubrange(16..<24, with: [0x7f, 255, 255, 255, 0x7f, 255, 255, 255])
    #expect(throws: FormatError.self) {
      try ImageFile.decode(Bytes(copying: png), file: "huge.png")
    }
    var jpeg = try bytes("train/circle/baseline.jpg")
    let frame = try #require(jpeg.indices.first { jpeg[$0...].starts(with: [0xff, 0xc0]) })
    jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0xff, 0xdc, 0xff, 0xdc])
    let error = #expect(throws: FormatError.self) {
      try ImageFile.decode(Bytes(copying: jpeg), file: "huge.jpg")
    }
    #expect(error?.message.contains("100000000 pixels") == true, "\(error?.message ?? "")")
  }

  @Test func otherFiles() {
    for text in ["", "GIF89a", "\u{1}\u{2}"] {
      let error = #expect(throws: FormatError.self) {
        try ImageFile.decode(Bytes(copying: Array(text.utf8)), file: "a.jpg")
      }
      #expect(error?.message == "a.jpg: it is neither a JPEG nor a PNG file")
    }
  }
}
