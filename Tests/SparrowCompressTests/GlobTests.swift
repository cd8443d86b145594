import SparrowCompress
import Testing

struct GlobTests {
  @Test(arguments: [
    ("conv1", "conv1", true), ("conv1", "conv10", false), ("conv*", "conv10", true),
    ("*", "", true), ("*fc*", "head.fc.weight", true), ("*.weight", "fc.bias", false),
    ("layer?.0", "layer3.0", true), ("layer?.0", "layer.0", false),
    ("layer[12].*", "layer2.conv", true), ("layer[12].*", "layer3.conv", false),
    ("layer[!12].*", "layer3.conv", true), ("layer[1-3]", "layer2", true),
    ("a*b*c", "aXbYbZc", true), ("a*b*c", "aXbYbZ", false), ("[", "[", true),
    ("a[]]b", "a]b", true), ("", "", true), ("", "x", false), ("**", "anything", true),
    ("onnx::Conv_*", "onnx::Conv_123", true),
  ])
  func matching(pattern: String, name: String, expected: Bool) {
    #expect(Glob(pattern).matches(name) == expected)
  }

  /// A pattern that would take exponential time if every `*` were tried anew.
  @Test func manyRunsTakePolynomialTime() {
    let pattern = String(repeating: "a*", count: 30) + "b"
    #expect(!Glob(pattern).matches(String(repeating: "a", count: 200)))
  }
}
