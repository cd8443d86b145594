import SparrowCore
import SparrowFormats
import SparrowTestSupport
import Testing

/// Damaged files give a graph or an error, never a crash.
@Suite struct ONNXMutationTests {
  private static let small = Fixtures.readable.filter { $0.hasPrefix("onnx/") }

  /// Whether the bytes could be read; reading must not do anything else.
  private func isReadable(_ bytes: [UInt8]) -> Bool {
    do throws(FormatError) {
      _ = try ONNX.read(Bytes(copying: bytes), file: "mutant.onnx")
      return true
    } catch {
      #expect(!error.message.isEmpty)
      return false
    }
  }

  private func contents(_ name: String) throws -> [UInt8] {
    Bytes(try Region(mapping: Fixtures.path(name))).array(of: UInt8.self)
  }

  @Test(arguments: small)
  func everyPrefix(_ name: String) throws {
    let bytes = try contents(name)
    for count in 0..<bytes.count { _ = isReadable(Array(bytes[..<count])) }
  }

  @Test(arguments: small, [UInt64(1), 2])
  func singleBytes(_ name: String, seed: UInt64) throws {
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let bytes = try contents(name)
    var readable = 0
    for _ in 0..<1_000 {
      var mutant = bytes
      let place = Int.random(in: 0..<mutant.count, using: &generator)
      mutant[place] = UInt8.random(in: 0...255, using: &generator)
      if isReadable(mutant) { readable += 1 }
    }
    #expect(readable < 1_000)
  }

  /// Several bytes at once, and stretches taken from elsewhere in the file.
  @Test(arguments: small)
  func stretches(_ name: String) throws {
    let seed: UInt64 = 3
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let bytes = try contents(name)
    for _ in 0..<1_000 {
      var mutant = bytes
      for _ in 0..<4 {
        let count = Int.random(in: 1...8, using: &generator)
        let from = Int.random(in: 0...(bytes.count - count), using: &generator)
        let to = Int.random(in: 0...(bytes.count - count), using: &generator)
        mutant.replaceSubrange(to..<(to + count), with: bytes[from..<(from + count)])
      }
      _ = isReadable(mutant)
    }
  }

  /// Extreme integers where the file has varints.
  @Test(arguments: small)
  func extremes(_ name: String) throws {
    let bytes = try contents(name)
    let extremes = [UInt64(Int64.max), UInt64(bitPattern: Int64.min), UInt64.max, 1 << 32, 1 << 31]
    for place in bytes.indices {
      for value in extremes {
        var mutant = bytes
        mutant.replaceSubrange(place...place, with: Proto.varint(value))
        _ = isReadable(mutant)
      }
    }
  }
}
