# freqtrade's official image with the exchange bitgetcross, started by our launcher; docs/docker.md says how to use it.
#
# NEVER BUILT: there was no Docker where it was written, in November 2026. Its two scripts run in the project's check,
# beside the same release of freqtrade and without an image (.ci/docker).
# freqtrade is under the GPLv3, and so is this image once you hand it on.

# The newest release that the tests have run with; --build-arg FREQTRADE=… takes another one.
ARG FREQTRADE=2026.9

# As root, because the folder of the sources is root's; nothing but the wheel leaves this stage.
FROM freqtradeorg/freqtrade:${FREQTRADE} AS wheel
USER root
COPY pyproject.toml setup.cfg DESCRIPTION.md LICENSE /source/
COPY plugin /source/plugin
COPY docker /docker
RUN sh /docker/wheel.sh /source /wheel

# The user is ftuser and the folder /freqtrade, as in the image, whose packages are in that user's home.
FROM freqtradeorg/freqtrade:${FREQTRADE}
ARG FREQTRADE
COPY docker /docker
COPY --from=wheel /wheel /wheel
RUN sh /docker/install.sh /wheel ${FREQTRADE}

# Plain `freqtrade` does not know the exchange, and stops.
ENTRYPOINT ["bitget-margin", "freqtrade"]
CMD ["trade"]
