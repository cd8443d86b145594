import CKernels
import SparrowCore

/// Single weights anywhere.
public struct UnstructuredPattern: Pattern {
  public init() {}
  public var name: String { "unstructured" }

  public func units(of scores: Scores, view: WeightView) -> UnitScores {
    UnitScores(scores: scores)
  }

  public func mask(
    _ units: UnitScores, view: WeightView, dropping dropCount: Int
  ) -> WeightMask {
    let cut = LowestSelection.cut(units, dropping: dropCount)
    let count = units.count
    let bits = Bytes(count: (count + 7) / 8) { target in
      guard count > 0, let base = target.bindMemory(to: UInt8.self).baseAddress else { return }
      units.scores.withKeys { keys in
        sp_kernels_best().pointee.f32_mask_below(count, keys.pointer, cut.threshold, base)
        var ties = cut.ties
        var i = 0
        while ties > 0, i < count {
          if keys[i] == cut.threshold {
            target[i >> 3] &= ~(1 << UInt8(i & 7))
            ties -= 1
          }
          i += 1
        }
      }
    }
    return WeightMask(bits: bits, count: count)
  }
}
