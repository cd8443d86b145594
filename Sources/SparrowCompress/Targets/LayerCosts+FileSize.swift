import Foundation
import SparrowCore

extension LayerCosts {
  /// Bytes of a file that takes `whole` bytes before pruning, each layer in the smallest storage.
  ///
  /// The storages' sizes follow from the number of weights kept; how far bit masks deflate is taken
  /// from their entropy, so that a search corrects by the bytes that are really written.
  static func fileSize(
    _ layers: [ScoredLayer], whole: Int, blockShape: BlockShape?
  ) -> LayerCosts {
    let curves = layers.map { storedBytes($0.layer, blockShape) }
    let stored = curves.reduce(0) { $0 + $1.value(at: 0) }
    return LayerCosts(
      kind: .fileSize, rest: max(0, Double(whole) - stored), layers: curves)
  }

  private static func storedBytes(_ layer: Layer, _ blockShape: BlockShape?) -> DropCurve {
    let (count, size) = (layer.count, layer.weight.dtype.size)
    let nonzeros = layer.weight.nonzeroCount
    let (rows, width) = CompressedRows.split(layer.weight.shape)
    let index = CompressedRows.wide(width) ? 4 : 2
    let steps = 128
    let points = (0...steps).map { step -> DropCurve.Point in
      let dropped = count / steps * step + count % steps * step / steps
      let kept = min(count - dropped, nonzeros)
      let values = kept * size
      var best = Double(count * size)
      best = min(best, maskBytes(count, kept) + Double(values))
      best = min(best, Double((rows + 1) * 4 + kept * (size + index)))
      if let blockShape {
        let area = blockShape.outputs * blockShape.inputs
        best = min(best, maskBytes((count + area - 1) / area, kept / area) + Double(values))
      }
      return DropCurve.Point(dropped: dropped, value: best)
    }
    return DropCurve(falling: points)
  }

  /// Bytes of `count` bits of which `set` are 1, after deflating where that is worth it. A Huffman
  /// code takes at least a bit a byte.
  private static func maskBytes(_ count: Int, _ set: Int) -> Double {
    let plain = Double((count + 7) / 8)
    guard set > 0, set < count, plain >= 256 else { return plain }
    let density = Double(set) / Double(count)
    let entropy = -density * log2(density) - (1 - density) * log2(1 - density)
    let deflated = plain * max(entropy, 0.125)
    return deflated < 0.85 * plain ? deflated : plain
  }
}
