import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowFormats
@testable import SparrowRuntime

/// Damaged containers and archives give an error or, where the damage does not matter, a result;
/// they never crash.
@Suite struct ContainerDamageTests {
  static let seed: UInt64 = 20_240_607

  /// Networks without and with graphs inside nodes.
  static func graph(isNested: Bool) throws -> Graph {
    isNested ? try ONNX.read(Bytes(ONNXControlFlowTests.nestedWithConstants)) : try smallGraph()
  }

  @Test(arguments: [false, true]) func everyTruncationIsAnError(isNested: Bool) throws {
    let file = ContainerWriter.bytes(of: try Self.graph(isNested: isNested))
    for count in 0..<file.count {
      let part = Array(file[..<count])
      #expect(throws: ContainerError.self, "\(count) bytes") {
        try Container.read(bytes: Bytes(copying: part))
      }
      // With the size in the header put right, later checks have to find it.
      guard count >= ContainerLayout.headerSize else { continue }
      var shorter = part
      shorter.replaceSubrange(16..<24, with: littleEndian(UInt64(count)))
      #expect(throws: ContainerError.self, "\(count) bytes") {
        try Container.read(bytes: Bytes(copying: resealed(shorter)))
      }
    }
  }

  @Test(arguments: [false, true]) func everyFlippedByteIsAnError(isNested: Bool) throws {
    let file = ContainerWriter.bytes(of: try Self.graph(isNested: isNested))
    var random = SeededGenerator(seed: Self.seed)
    for round in 0..<2000 {
      var damaged = file
      let offset = Int.random(in: 0..<file.count, using: &random)
      damaged[offset] ^= UInt8.random(in: 1...255, using: &random)
      // The minor version may change, but then the header's checksum is wrong.
      #expect(throws: ContainerError.self, "round \(round), byte \(offset), seed \(Self.seed)") {
        try Container.read(bytes: Bytes(copying: damaged))
      }
    }
  }

  /// Without checksums in the way, damage reaches every check behind them.
  @Test(arguments: [false, true])
  func damageBehindTheChecksumsDoesNotCrash(isNested: Bool) throws {
    let file = ContainerWriter.bytes(
      of: try Self.graph(isNested: isNested), options: .init(compression: .off))
    var random = SeededGenerator(seed: Self.seed)
    var refused = 0
    for _ in 0..<5_000 {
      var damaged = file
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let offset = Int.random(in: 12..<file.count, using: &random)
        let extremes: [UInt8] = [0, 1, 0x7f, 0x80, 0xff, UInt8.random(in: 0...255, using: &random)]
        damaged[offset] = extremes.randomElement(using: &random) ?? 0
      }
      do throws(ContainerError) {
        let graph = try Container.read(
          bytes: Bytes(copying: resealed(damaged)), verifyChecksums: false)
        for case let tensor? in graph.values.map(\.constant) { _ = tensor.dense() }
      } catch {
        refused += 1
      }
    }
    #expect(refused > 1_000)
  }
}
