/// Where a sparse product finds the input row of each column of its weight, in floats.
///
/// ```
/// column (input, ky, kx)  ->  input * channel + ky * line + kx * shift
/// ```
struct InputRows: Hashable {
  let channel: Int
  let line: Int
  let shift: Int
  private let kernel: (height: Int, width: Int)

  /// Rows of `width` floats, one a column, one after the other.
  init(width: Int) {
    (channel, line, shift) = (width, 0, 0)
    kernel = (1, 1)
  }

  /// Rows of `width` floats, one a column, one after the other, for a kernel of that size.
  init(width: Int, kernel: (height: Int, width: Int)) {
    (shift, line) = (width, kernel.width * width)
    channel = kernel.height * kernel.width * width
    self.kernel = kernel
  }

  /// Planes from which every kernel position is read at its own offset.
  init(channel: Int, line: Int, shift: Int, kernel: (height: Int, width: Int)) {
    (self.channel, self.line, self.shift, self.kernel) = (channel, line, shift, kernel)
  }

  @inline(__always)
  func offset(_ column: Int) -> Int {
    let positions = kernel.height * kernel.width
    let position = column % positions
    return column / positions * channel + position / kernel.width * line
      + position % kernel.width * shift
  }

  static func == (a: InputRows, b: InputRows) -> Bool {
    a.channel == b.channel && a.line == b.line && a.shift == b.shift && a.kernel == b.kernel
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(channel)
    hasher.combine(line)
    hasher.combine(shift)
  }
}
