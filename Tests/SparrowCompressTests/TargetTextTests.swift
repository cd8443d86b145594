import Foundation
import Testing

@testable import SparrowCompress

/// How targets are written.
struct TargetTextTests {
  @Test(arguments: [
    (TargetKind.multiplyAdds, "0.3x", TargetAmount.fraction(0.3)),
    (.multiplyAdds, "120M", .absolute(120e6)), (.multiplyAdds, "1.5G", .absolute(1.5e9)),
    (.multiplyAdds, "120m", .absolute(120e6)), (.multiplyAdds, "4_000", .absolute(4000)),
    (.fileSize, "0.25x", .fraction(0.25)), (.fileSize, "1.2MB", .absolute(1.2e6)),
    (.fileSize, "800 kb", .absolute(800e3)), (.fileSize, "3MiB", .absolute(3 * 1_048_576)),
    (.fileSize, "512", .absolute(512)), (.latency, "0.5x", .fraction(0.5)),
    (.latency, "3ms", .absolute(3)), (.latency, "250us", .absolute(0.25)),
    (.latency, "0.02s", .absolute(20)), (.latency, "1x", .fraction(1)),
  ])
  func amounts(kind: TargetKind, text: String, amount: TargetAmount) throws {
    #expect(try TargetAmount(text, of: kind) == amount)
    #expect(try TargetAmount(amount.text(kind), of: kind) == amount)
  }

  @Test(arguments: [
    (TargetKind.multiplyAdds, "0x"), (.multiplyAdds, "1.5x"), (.multiplyAdds, "-3M"),
    (.multiplyAdds, "3MB"), (.multiplyAdds, ""), (.multiplyAdds, "x"), (.multiplyAdds, "1e3"),
    (.multiplyAdds, "30%"), (.fileSize, "1.2.3MB"), (.fileSize, "3ms"), (.fileSize, "nan"),
    (.latency, "3"), (.latency, "3 hours"), (.latency, "infx"), (.sparsity, "0.9x"),
  ])
  func badAmountsSayWhatIsExpected(kind: TargetKind, text: String) throws {
    let error = try #require(throws: CompressError.self) { try CompressionTarget(kind, text) }
    #expect(error == .badTarget(kind: kind, found: text))
    #expect(error.message.contains("'\(text)'") && error.message.contains(kind.spelling))
  }

  @Test(arguments: ["1", "-0.1", "nan"])
  func badSparsities(text: String) {
    #expect(throws: CompressError.self) { try CompressionTarget(.sparsity, text) }
  }

  @Test(arguments: [
    (#"{"sparsity": 0.9}"#, CompressionTarget.sparsity(0.9)),
    (#"{"flops": "0.3x"}"#, .multiplyAdds(.fraction(0.3))),
    (#"{"flops": 120000000}"#, .multiplyAdds(.absolute(120e6))),
    (#"{"size": "1.2MB"}"#, .fileSize(.absolute(1.2e6))),
    (#"{"latency": "3ms"}"#, .latency(.absolute(3))),
  ])
  func recipesHoldThem(text: String, target: CompressionTarget) throws {
    let decoded = try JSONDecoder().decode(CompressionTarget.self, from: Data(text.utf8))
    #expect(decoded == target)
    let again = try JSONDecoder().decode(
      CompressionTarget.self, from: try JSONEncoder().encode(target))
    #expect(again == target)
  }

  @Test(arguments: [
    #"{}"#, #"{"flop": "0.3x"}"#, #"{"flops": "0.3x", "size": "1MB"}"#, #"{"latency": 3}"#,
    #"{"sparsity": 1}"#, #"{"size": []}"#,
  ])
  func badRecipesAreRefused(text: String) {
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(CompressionTarget.self, from: Data(text.utf8))
    }
  }
}
