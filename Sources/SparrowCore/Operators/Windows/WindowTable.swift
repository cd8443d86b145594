/// The input positions under a sliding window, for each output position of a plane of any rank: what
/// reference implementations of convolutions and poolings walk.
struct WindowTable {
  /// Positions of the output plane, and of the window.
  let outputs: Int
  let taps: Int
  /// `outputs x taps` positions in the input plane, or one of the two marks below.
  let entries: [Int]

  /// The tap lies in the padding.
  static var padding: Int { -1 }
  /// The tap lies beyond the padding: a last window that rounding up has added.
  static var beyond: Int { -2 }

  init(_ window: Window.Resolved, input: [Int], output: [Int]) throws(ComputeError) {
    let sizes = output + window.kernel
    guard let total = sizes.checkedElementCount, total <= 1 << 28 else {
      throw ComputeError("its windows are too many and too large")
    }
    var (outputs, taps, entries) = (1, 1, [0])
    for i in input.indices {
      var next: [Int] = []
      next.reserveCapacity(entries.count * output[i] * window.kernel[i])
      for o in 0..<outputs {
        for position in 0..<output[i] {
          for t in 0..<taps {
            let outer = entries[o * taps + t]
            for k in 0..<window.kernel[i] {
              let own = Self.entry(window, i, position, k, input[i])
              next.append(outer < 0 || own < 0 ? min(outer, own, 0) : outer * input[i] + own)
            }
          }
        }
      }
      (outputs, taps, entries) = (outputs * output[i], taps * window.kernel[i], next)
    }
    (self.outputs, self.taps, self.entries) = (outputs, taps, entries)
  }

  private static func entry(
    _ window: Window.Resolved, _ i: Int, _ position: Int, _ k: Int, _ length: Int
  ) -> Int {
    let at = position * window.strides[i] - window.padsBegin[i] + k * window.dilations[i]
    if at >= length + max(0, window.padsEnd[i]) { return beyond }
    return at < 0 || at >= length ? padding : at
  }
}

extension Window {
  /// ``resolved(kernel:input:)`` of concrete lengths, for reference implementations.
  func concrete(kernel: [Int]?, input: [Int]) throws(ComputeError) -> Resolved {
    do throws(InferenceError) {
      return try resolved(kernel: kernel, input: input.map { .known($0) })
    } catch {
      throw ComputeError(error)
    }
  }
}
