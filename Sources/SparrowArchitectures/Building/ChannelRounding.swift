/// How channel counts scaled by a factor become whole.
public enum ChannelRounding {
  /// The nearest whole number, 1 at least.
  public static func nearest(_ channels: Int, times factor: Double) -> Int {
    guard factor != 1 else { return channels }
    return max(1, whole(Double(channels) * factor))
  }

  /// The nearest multiple of `divisor`, `divisor` at least, and never less than `least` of what was
  /// asked. (Sandler et al. 2018, MobileNetV2, as its authors round.)
  public static func divisible(
    _ channels: Double, by divisor: Int = 8, least: Double = 0.9
  ) -> Int {
    let divisor = max(1, divisor)
    let rounded = max(divisor, whole(channels / Double(divisor)) * divisor)
    return Double(rounded) < least * channels ? rounded + divisor : rounded
  }

  /// Rounded half up; what is beyond any network stays far from overflow.
  private static func whole(_ value: Double) -> Int {
    guard value.isFinite else { return largest }
    return Int(min(max((value + 0.5).rounded(.down), 0), Double(largest)))
  }

  private static let largest = 1 << 28
}
